import { sha256, toHex } from '../core/hash.ts';

/** A signed note (C2SP signed-note): a text and signatures under it. */
export interface Note {
  /** Ends with a newline. */
  readonly text: string;
  readonly signatures: readonly { readonly name: string; readonly keyId: string; readonly signature: Uint8Array }[];
}

/** A verifier key: `name+keyid+base64(0x01 ‖ Ed25519 public key)`. */
export interface VerifierKey {
  readonly name: string;
  /** 8 hex digits. */
  readonly keyId: string;
  readonly publicKey: Uint8Array;
}

/** Ed25519 as a parameter: this folder is pure, and a browser has another one. */
export type VerifyEd25519 = (
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
) => boolean | Promise<boolean>;

const noteFaults = [
  'too_large',
  'not_utf8_text',
  'no_signatures',
  'signature_line_malformed',
  'key_malformed',
  'key_not_found',
  'signature_wrong',
] as const;
export type NoteFault = (typeof noteFaults)[number];

const ed25519 = 1;
const maxNoteBytes = 1_000_000;
const maxSignatures = 100;
const utf8 = new TextEncoder();
const separator = '\n\n';
const signatureLine = /^— (\S+) ([A-Za-z0-9+/]+={0,2})$/u;

const toBase64 = (bytes: Uint8Array) => bytes.toBase64();
function fromBase64(text: string): Uint8Array | null {
  try {
    const bytes = Uint8Array.fromBase64(text, { lastChunkHandling: 'strict' });
    return bytes.toBase64() === text ? bytes : null;
  } catch {
    return null;
  }
}

/** First four bytes of SHA-256(name, newline, 0x01, key), as 8 hex digits. */
function noteKeyId(name: string, publicKey: Uint8Array): string {
  const prefix = utf8.encode(`${name}\n`);
  const input = new Uint8Array(prefix.length + 1 + publicKey.length);
  input.set(prefix);
  input[prefix.length] = ed25519;
  input.set(publicKey, prefix.length + 1);
  return toHex(sha256(input).subarray(0, 4));
}

/** Whether a name may name a key: not empty, no white space of Unicode (NEXT LINE is one, for `\s` it is not), no plus. */
export function isKeyName(name: string): boolean {
  return name !== '' && name.isWellFormed() && !/[\p{White_Space}\ufeff+]/u.test(name);
}

/** @throws TypeError when it would not read back */
export function formatVerifierKey(name: string, publicKey: Uint8Array): string {
  if (!isKeyName(name) || publicKey.length !== 32)
    throw new TypeError('a verifier key is a name without white space or plus, and 32 bytes');
  const tagged = new Uint8Array(1 + publicKey.length);
  tagged[0] = ed25519;
  tagged.set(publicKey, 1);
  return `${name}+${noteKeyId(name, publicKey)}+${toBase64(tagged)}`;
}

/** Read a verifier key; a key id that is not the key's own is refused. */
export function parseVerifierKey(text: string): VerifierKey | { readonly fault: NoteFault } {
  const match = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/u.exec(text.trim());
  const [, name = '', keyId = '', encoded = ''] = match ?? [];
  const tagged = isKeyName(name) ? fromBase64(encoded) : null;
  if (tagged?.length !== 33 || tagged[0] !== ed25519) return { fault: 'key_malformed' };
  const publicKey = tagged.subarray(1);
  return noteKeyId(name, publicKey) === keyId ? { name, keyId, publicKey } : { fault: 'key_malformed' };
}

/** Sign a text (which must end with a newline) as a note. */
export function signNote(
  text: string,
  name: string,
  publicKey: Uint8Array,
  sign: (message: Uint8Array) => Uint8Array,
): string {
  if (!text.endsWith('\n') || !isNoteText(text))
    throw new TypeError('a note is lines of plain text, the last one ended');
  if (!isKeyName(name)) throw new TypeError('a key name has no white space and no plus');
  const keyId = Uint8Array.fromHex(noteKeyId(name, publicKey));
  const signature = sign(utf8.encode(text));
  const tagged = new Uint8Array(4 + signature.length);
  tagged.set(keyId);
  tagged.set(signature, 4);
  return `${text}\n— ${name} ${toBase64(tagged)}\n`;
}

function isNoteText(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a note holds nothing below U+0020 but newline (C2SP)
  return text.isWellFormed() && !/[\u0000-\u0009\u000b-\u001f]/.test(text);
}

/** Take a note apart. Nothing is verified yet. */
export function parseNote(note: string): Note | { readonly fault: NoteFault } {
  if (note.length > maxNoteBytes) return { fault: 'too_large' };
  if (!isNoteText(note)) return { fault: 'not_utf8_text' };
  const at = note.lastIndexOf(separator);
  if (at < 0 || !note.endsWith('\n')) return { fault: 'no_signatures' };
  const lines = note.slice(at + separator.length, -1).split('\n');
  if (lines.length > maxSignatures) return { fault: 'too_large' };
  const signatures: { name: string; keyId: string; signature: Uint8Array }[] = [];
  for (const line of lines) {
    const [, name = '', encoded = ''] = signatureLine.exec(line) ?? [];
    const tagged = isKeyName(name) ? fromBase64(encoded) : null;
    if (!tagged || tagged.length < 5) return { fault: 'signature_line_malformed' };
    signatures.push({ name, keyId: toHex(tagged.subarray(0, 4)), signature: tagged.subarray(4) });
  }
  return { text: note.slice(0, at + 1), signatures };
}

/** Open a note that this key signed: its text, or what is wrong. Signatures by unknown keys are passed over. */
export async function openNote(
  note: string,
  key: VerifierKey,
  verify: VerifyEd25519,
): Promise<{ readonly text: string } | { readonly fault: NoteFault }> {
  const parsed = parseNote(note);
  if ('fault' in parsed) return parsed;
  const own = parsed.signatures.filter(({ name, keyId }) => name === key.name && keyId === key.keyId);
  if (own.length === 0) return { fault: 'key_not_found' };
  const message = utf8.encode(parsed.text);
  for (const { signature } of own)
    if (!(await verify(key.publicKey, message, signature))) return { fault: 'signature_wrong' };
  return { text: parsed.text };
}
