// Copy and download of a transcript.

import { FORMATS, text } from './formats.mjs';

const COPIED_MS = 1500;

// `transcript` returns the present one. Returns a function that makes the buttons usable, or not.
export function bindExports({ copy, downloads, transcript }) {
  copy.onclick = async () => {
    await copyText(text(transcript()));
    const before = copy.textContent;
    copy.textContent = 'Copied';
    setTimeout(() => { copy.textContent = before; }, COPIED_MS);
  };
  for (const button of downloads) {
    button.onclick = () => download(transcript(), button.dataset.format);
  }
  return (usable) => [copy, ...downloads].forEach((button) => { button.disabled = !usable; });
}

async function copyText(string) {
  if (navigator.clipboard) return navigator.clipboard.writeText(string);
  const area = document.createElement('textarea'); // pages that are not secure have no clipboard object
  area.value = string;
  document.body.append(area);
  area.select();
  document.execCommand('copy');
  return area.remove();
}

function download(transcript, format) {
  const { type, render } = FORMATS[format];
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([render(transcript)], { type }));
  link.download = `${transcript.file.replace(/\.[^.]*$/u, '')}.${format}`;
  link.click();
  URL.revokeObjectURL(link.href);
}
