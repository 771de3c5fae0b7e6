import { createHmac } from 'node:crypto';
import type { Hono } from 'hono';
import type { Actor, Role } from '../../src/core/actor.ts';
import { isRefusal } from '../../src/core/refusal.ts';
import { acceptInvitation, invitePerson } from '../../src/flows/create-actor.ts';
import type { Office } from '../../src/flows/office.ts';

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

const cli: Actor = { id: 'cli:test', kind: 'cli', role: 'admin', approval: null };

/** What everybody of the tests' staff signs in with. */
export const staffPassword = 'several plain words';

export interface Member {
  readonly id: string;
  readonly email: string;
  readonly name: string;
}

/** Somebody of the staff who was invited and has a password, and no second factor yet. */
export async function newMember(office: Office, role: Role, email: string): Promise<Member> {
  const name = `Member ${email}`;
  const invited = await invitePerson(office, cli, { email, name, role, title: null });
  if (isRefusal(invited)) throw new Error(invited.detail);
  const accepted = await acceptInvitation(office, invited.link.split('/').at(-1) ?? '', staffPassword);
  if (isRefusal(accepted)) throw new Error(accepted.detail);
  return { id: invited.actor, email, name };
}

export interface SignedIn {
  readonly visitor: Visitor;
  /** Of their authenticator app, in Base32. */
  readonly secret: string;
  readonly recovery: readonly string[];
  /** The code that finished it: used up. */
  readonly code: string;
}

/** Sign in for the first time: password, app, recovery codes. */
export async function firstSignIn(app: Hono, email: string, origin?: string): Promise<SignedIn> {
  const visitor = new Visitor(app, origin);
  await visitor.post('/console/sign-in', { email, password: staffPassword });
  const secret = secretIn((await visitor.post('/console/second-factor/set-up', { password: staffPassword })).text);
  const code = appCode(secret, Date.now());
  const done = await visitor.post('/console/second-factor/set-up/finish', { code });
  if (done.status !== 200) throw new Error(`the second factor could not be set up: ${done.status}`);
  return { visitor, secret, recovery: codesIn(done.text), code };
}

/** The secret of an app that a page shows. */
export const secretIn = (text: string) => /<code class="secret">([A-Z2-7]+)<\/code>/.exec(text)?.[1] ?? '';
/** The recovery codes that a page shows. */
export const codesIn = (text: string) => [...text.matchAll(/<li><code>([^<]+)<\/code>/g)].map(([, code = '']) => code);
/** Another code that counts now: those of the periods beside this one do, too. */
export const nextCode = (secret: string) => appCode(secret, Date.now() + 30_000);
