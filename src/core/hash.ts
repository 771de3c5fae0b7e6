import { createHash, createHmac, hash, timingSafeEqual } from 'node:crypto';

/** SHA-256 of bytes (or of a string's UTF-8), 32 bytes. */
export function sha256(input: Uint8Array | string): Uint8Array {
  return hash('sha256', input, 'buffer');
}

/** SHA-256 as 64 lower-case hex digits. */
export function sha256Hex(input: Uint8Array | string): string {
  return hash('sha256', input, 'hex');
}

/** A running SHA-256, for bytes that stream past. */
export function sha256Stream(): {
  update(chunk: Uint8Array): void;
  /** Of what has passed so far; more may follow. */
  soFarHex(): string;
  digestHex(): string;
  digest(): Uint8Array;
} {
  const running = createHash('sha256');
  return {
    update: (chunk) => void running.update(chunk),
    soFarHex: () => running.copy().digest('hex'),
    digestHex: () => running.digest('hex'),
    digest: () => running.digest(),
  };
}

/** HMAC-SHA-256 (RFC 2104), 32 bytes. */
export function hmacSha256(key: Uint8Array, input: Uint8Array | string): Uint8Array {
  return createHmac('sha256', key).update(input).digest();
}

/** Whether two byte strings are equal, in time that depends on their length only. */
export function constantTimeEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

export function fromHex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'hex'));
}

/** Base64url without padding (RFC 4648 section 5, RFC 7515). */
export function toBase64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}

export function fromBase64Url(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64url'));
}
