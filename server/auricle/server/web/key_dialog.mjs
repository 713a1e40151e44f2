// Asks whoever looks at the page for a key.

// Resolves to the key, or null where the dialog is closed without one. `why` is what the server said.
export function askForKey(why) {
  const dialog = document.createElement('dialog');
  dialog.id = 'key-dialog';
  const form = document.createElement('form');
  form.method = 'dialog';
  const label = document.createElement('label');
  label.textContent = 'API key';
  const input = document.createElement('input');
  Object.assign(input, { id: 'key', type: 'password', autocomplete: 'off', spellcheck: false, required: true });
  label.append(input);
  const reason = document.createElement('p');
  reason.id = 'key-reason';
  reason.textContent = `${why} It stays in this tab, and is forgotten with it.`;
  const use = document.createElement('button');
  Object.assign(use, { id: 'use-key', type: 'submit', className: 'primary', textContent: 'Use this key' });
  const leave = document.createElement('button');
  Object.assign(leave, { type: 'button', textContent: 'Cancel' });
  form.append(reason, label, use, leave);
  dialog.append(form);
  document.body.append(dialog);
  return new Promise((resolve) => {
    form.onsubmit = (event) => {
      event.preventDefault();
      dialog.close(input.value.trim());
    };
    leave.onclick = () => dialog.close('');
    dialog.onclose = () => {
      dialog.remove();
      resolve(dialog.returnValue || null);
    };
    dialog.showModal();
  });
}
