import { createHmac } from 'node:crypto';
import type { Hono } from 'hono';

/** A browser without scripts on the pages of an app: it keeps cookies, follows nothing, and sends forms from our own origin. */
export class Visitor {
  readonly #cookies = new Map<string, string>();
  readonly #app: Hono;
  readonly #origin: string;

  constructor(app: Hono, origin = 'http://localhost:3000') {
    this.#app = app;
    this.#origin = origin;
  }

  cookie(name: string): string | undefined {
    return this.#cookies.get(name);
  }

  setCookie(name: string, value: string): void {
    this.#cookies.set(name, value);
  }

  forget(name: string): void {
    this.#cookies.delete(name);
  }

  /** The cookies as a browser sends them. */
  get jar(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  async get(path: string): Promise<Answer> {
    return this.#send(path, { method: 'GET' });
  }

  async post(path: string, form: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.#send(path, {
      method: 'POST',
      body: new URLSearchParams(form).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded', origin: this.#origin },
    });
  }

  async #send(
    path: string,
    init: { method: string; body?: string; headers?: Record<string, string> },
  ): Promise<Answer> {
    const reply = await this.#app.request(`${this.#origin}${path}`, {
      ...init,
      headers: { ...init.headers, ...(this.jar ? { cookie: this.jar } : {}) },
    });
    for (const cookie of reply.headers.getSetCookie()) {
      const [pair = ''] = cookie.split(';');
      const [name = '', ...value] = pair.split('=');
      if (/max-age=0|expires=Thu, 01 Jan 1970/i.test(cookie)) this.#cookies.delete(name);
      else this.#cookies.set(name, value.join('='));
    }
    return {
      status: reply.status,
      to: reply.headers.get('location'),
      text: await reply.text(),
      headers: reply.headers,
    };
  }
}

export interface Answer {
  readonly status: number;
  readonly to: string | null;
  readonly text: string;
  readonly headers: Headers;
}

/** What an authenticator app would show: RFC 6238 over a Base32 secret, written here anew as a second opinion. */
export function appCode(base32: string, atMs: number): string {
  const bits = [...base32].map((letter) =>
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'),
  );
  const bytes = Buffer.from((bits.join('').match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(atMs / 30_000)));
  const mac = createHmac('sha1', bytes).update(counter).digest();
  const offset = (mac.at(-1) ?? 0) & 15;
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}
