// A recording that this browser cannot decode: the server can, and hears it within one request.

const WARNING = 'auricle-warning'; // what of the recording is missing, percent-encoded

// Resolves to the transcript (docs/transcript.schema.json) and a warning, or null. `headers` let the request in; throws
// an Error with a sentence for people, and what `fetch` throws where `signal` aborts it.
export async function heardByServer({ file, language, base, headers, signal, fetch = globalThis.fetch }) {
  if (file.size === 0) throw new Error(`Cannot read ${file.name}: it is empty; record or copy it again.`);
  const url = new URL('v1/transcribe?format=json', base);
  if (language) url.searchParams.set('language', language);
  const response = await fetch(url, { method: 'POST', body: file, headers, signal });
  const document = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(refusal(document, file.name, response.status));
  const warning = response.headers.get(WARNING);
  return { document, warning: warning && named(decodeURIComponent(warning), file.name) };
}

function refusal({ detail }, name, status) {
  return detail ? named(detail, name) : `The server did not take ${name}: it answers ${status}.`;
}

// The server does not know what the file is called.
function named(sentence, name) {
  return sentence.replace('the upload', name);
}
