// Makes or uses a passkey for the one form that asks for it, and sends what the browser answers. Without this script the
// page's other way (a code) works as before.
const form = document.querySelector('form[data-passkey]');
const said = form?.querySelector('[role=status]');

async function ask() {
  if (!form || !said) return;
  const known = globalThis.PublicKeyCredential;
  if (!known?.parseRequestOptionsFromJSON) {
    said.textContent = 'This browser cannot use passkeys here. Use the other way, or a newer browser.';
    return;
  }
  said.textContent = 'Waiting for your passkey…';
  try {
    const options = JSON.parse(form.dataset.options);
    const credential =
      form.dataset.passkey === 'create'
        ? await navigator.credentials.create({ publicKey: known.parseCreationOptionsFromJSON(options) })
        : await navigator.credentials.get({ publicKey: known.parseRequestOptionsFromJSON(options) });
    form.elements.credential.value = JSON.stringify(credential);
    said.textContent = 'Got it, one moment…';
    form.submit();
  } catch {
    said.textContent = 'No passkey was used. Try again, or use the other way.';
  }
}

form?.querySelector('button')?.addEventListener('click', () => void ask());
