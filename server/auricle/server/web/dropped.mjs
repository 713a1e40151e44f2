// The files of a drop: those that were dropped, and the recordings in folders and below them.

const UNTYPED = /\.(3ga|3gp|aac|aiff?|amr|ape|caf|flac|gsm|m4[abrv]|mk[av]|mov|mp[234]|og[agv]|opus|ts|tta|w64|wav|web[am]|wm[av]|wv)$/iu;

// Resolves to an array of File. What is dropped by itself may be anything; in a folder recordings are looked for.
export async function droppedFiles({ items, files }) {
  const entries = [...items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean); // gone after the first wait
  if (!entries.some((entry) => entry.isDirectory)) return [...files];
  const found = await Promise.all(entries.map((entry) => (entry.isDirectory ? inside(entry) : fileOf(entry))));
  return found.flat();
}

export function isRecording({ name, type }) {
  return !name.startsWith('.') && (/^(audio|video)\//u.test(type) || UNTYPED.test(name));
}

async function inside(folder) {
  const entries = (await entriesOf(folder)).sort((a, b) => a.name.localeCompare(b.name));
  const found = await Promise.all(entries.filter(({ name }) => !name.startsWith('.')).map(async (entry) => (
    entry.isDirectory ? inside(entry) : [await fileOf(entry)].filter(isRecording)
  )));
  return found.flat();
}

async function entriesOf(folder) {
  const reader = folder.createReader();
  const all = [];
  for (;;) { // each time some of them, and none at the end
    const some = await new Promise((resolve, reject) => { reader.readEntries(resolve, reject); });
    if (some.length === 0) return all;
    all.push(...some);
  }
}

function fileOf(entry) {
  return new Promise((resolve, reject) => { entry.file(resolve, reject); });
}
