import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isRefusal } from '../../src/core/refusal.ts';
import { openCompany } from '../../src/db/company.ts';

/** A provider that answers whatever a test wants: what panva's would never say. */
let issuer = '';
let elsewhere = '';
let key: CryptoKey;
let strangersKey: CryptoKey;
let jwk: JWK;
const asked = { state: 's'.repeat(43), nonce: 'n'.repeat(43), verifier: 'v'.repeat(43) };
const now = Temporal.Now.instant();
const seconds = Math.floor(now.epochMilliseconds / 1000);

type Answer = (response: ServerResponse) => void;
const json = (value: unknown, status = 200): Answer => {
  return (response) => response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
};
let pages: Record<string, Answer> = {};
let calls: string[] = [];
let headers: Record<string, string | undefined> = {};
const reports: { what: string; error: Error }[] = [];

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url ?? '/', issuer);
  calls.push(pathname);
  if (pathname === '/token') headers = { authorization: request.headers.authorization };
  request.resume();
  (pages[pathname] ?? json({}, 404))(response);
});
const other = createServer((request, response) => {
  calls.push(`elsewhere${request.url}`);
  json(discovery())(response);
});

const discovery = (over: object = {}) => ({
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  jwks_uri: `${issuer}/keys`,
  ...over,
});

beforeAll(async () => {
  const listen = (of: typeof server) =>
    new Promise<string>((done) =>
      of.listen(0, '127.0.0.1', () => done(`http://127.0.0.1:${(of.address() as AddressInfo).port}`)),
    );
  [issuer, elsewhere] = await Promise.all([listen(server), listen(other)]);
  const [own, strangers] = await Promise.all([generateKeyPair('RS256'), generateKeyPair('RS256')]);
  [key, strangersKey] = [own.privateKey, strangers.privateKey];
  jwk = { ...(await exportJWK(own.publicKey)), kid: 'one', alg: 'RS256', use: 'sig' };
});
afterAll(() => {
  for (const of of [server, other]) {
    of.close();
    of.closeAllConnections();
  }
});
beforeEach(() => {
  pages = { '/.well-known/openid-configuration': json(discovery()), '/keys': json({ keys: [jwk] }) };
  calls = [];
  reports.length = 0;
});

const open = (otherHosts: readonly string[] = []) =>
  openCompany(
    { issuer, clientId: 'muniment', clientSecret: 'a b:c', name: 'Example Corp', trustsMfa: false, otherHosts },
    {
      redirectUri: 'https://muniment.example/callback',
      report: (what, error) => reports.push({ what, error: error as Error }),
    },
  );

/** An ID token as it should be, but for `over`; null leaves a claim out. */
async function token(over: Readonly<Record<string, unknown>> = {}, signedWith = key, header = {}) {
  const claims = {
    iss: issuer,
    aud: 'muniment',
    sub: 'subject',
    nonce: asked.nonce,
    iat: seconds,
    exp: seconds + 300,
    email: 'person@example.com',
    email_verified: true,
    ...over,
  };
  const given = Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== null));
  return new SignJWT(given).setProtectedHeader({ alg: 'RS256', kid: 'one', ...header }).sign(signedWith);
}
const redeem = async (idToken: string) => {
  pages['/token'] = json({ id_token: idToken, access_token: 'x', token_type: 'Bearer' });
  return open().redeem('code', null, asked, now);
};

describe('the company’s ID token', () => {
  it('says who somebody is', async () => {
    const identity = { subject: 'subject', verifiedEmail: 'person@example.com', methods: [] };
    expect(await redeem(await token())).toEqual(identity);
    expect(headers.authorization).toBe(`Basic ${Buffer.from('muniment:a+b%3Ac').toString('base64')}`);
    expect(await redeem(await token({ amr: ['pwd', 'otp'] }))).toMatchObject({ methods: ['pwd', 'otp'] });
    expect(await redeem(await token({ amr: 'mfa' }))).toMatchObject({ methods: [] });
    expect(await redeem(await token({ aud: ['muniment', 'payroll'], azp: 'muniment' }))).toEqual(identity);
    for (const unsure of [false, 'true', 1, null])
      expect(await redeem(await token({ email_verified: unsure }))).toMatchObject({ verifiedEmail: null });
    expect(await redeem(await token({ email: null }))).toMatchObject({ verifiedEmail: null });
  });

  it('is refused when anything in it is not for us, not now, or not the provider’s', async () => {
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${(await token()).split('.')[1]}.`;
    const [head = '', , tail = ''] = (await token()).split('.');
    const [, changed = ''] = (await token({ sub: 'somebody else' })).split('.');
    const symmetric = await new SignJWT({ sub: 'subject', nonce: asked.nonce, iat: seconds, exp: seconds + 300 })
      .setIssuer(issuer)
      .setAudience('muniment')
      .setProtectedHeader({ alg: 'HS256' })
      .sign(new TextEncoder().encode('a b:c'.padEnd(32)));
    const wrong = {
      'signed by a stranger': await token({}, strangersKey),
      'signed with a key nobody knows': await token({}, key, { kid: 'two' }),
      'signed with our secret': symmetric,
      unsigned: none,
      'changed after it was signed': `${head}.${changed}.${tail}`,
      'of another issuer': await token({ iss: 'https://elsewhere.example' }),
      'for another client': await token({ aud: 'payroll' }),
      'for others as well, by nobody': await token({ aud: ['muniment', 'payroll'] }),
      'asked for by another client': await token({ azp: 'payroll' }),
      'run out': await token({ iat: seconds - 500, exp: seconds - 61 }),
      'without an end': await token({ exp: null }),
      old: await token({ iat: seconds - 700 }),
      'of tomorrow': await token({ iat: seconds + 86_400, exp: seconds + 90_000 }),
      'not valid yet': await token({ nbf: seconds + 3600 }),
      'of another question': await token({ nonce: 'm'.repeat(43) }),
      'of no question': await token({ nonce: null }),
      'of nobody': await token({ sub: null }),
      'of an empty subject': await token({ sub: '' }),
      'no token at all': 'no token at all',
    };
    for (const [what, idToken] of Object.entries(wrong))
      expect(isRefusal(await redeem(idToken)), `an ID token ${what}`).toBe(true);
    // What the operator is told holds nothing of what stood in a token.
    expect(reports.length).toBeGreaterThan(10);
    for (const { error } of reports) {
      expect(JSON.stringify({ ...error, message: error.message })).not.toMatch(/person@|subject|nnnn/);
      expect(error.cause).toBeUndefined();
    }
  });

  it('is read with the keys of today after the provider has changed them', async () => {
    const company = open();
    const next = await generateKeyPair('ES256');
    pages['/token'] = json({ id_token: await token() });
    expect(isRefusal(await company.redeem('code', null, asked, now))).toBe(false);
    pages['/keys'] = json({ keys: [{ ...(await exportJWK(next.publicKey)), kid: 'two', alg: 'ES256' }] });
    const later = now.add({ minutes: 61 });
    const at = Math.floor(later.epochMilliseconds / 1000);
    pages['/token'] = json({
      id_token: await token({ iat: at, exp: at + 300 }, next.privateKey, { alg: 'ES256', kid: 'two' }),
    });
    expect(isRefusal(await company.redeem('code', null, asked, later))).toBe(false);
  });
});

describe('calls to the company', () => {
  it('follow no redirect, at discovery, keys or token', async () => {
    const away: Answer = (response) => response.writeHead(302, { Location: `${elsewhere}/internal` }).end();
    for (const page of ['/.well-known/openid-configuration', '/keys', '/token']) {
      const kept = pages[page] ?? json({});
      pages['/token'] = json({ id_token: await token() });
      pages[page] = away;
      expect(await open().redeem('code', null, asked, now)).toMatchObject({ kind: 'refusal', code: 'not_ready' });
      pages[page] = kept;
    }
    expect(calls.filter((call) => call.startsWith('elsewhere'))).toEqual([]);
  });

  it('read no more than they have to', async () => {
    let sent = 0;
    pages['/.well-known/openid-configuration'] = (response) => {
      const more = () => {
        sent += 1;
        if (sent < 1000 && !response.destroyed) response.write('x'.repeat(64 * 1024), () => setImmediate(more));
        else response.end();
      };
      more();
    };
    expect(await open().authorizationUrl(asked, now)).toMatchObject({ code: 'not_ready' });
    expect(sent).toBeLessThan(1000);
    expect(reports[0]?.error.message).toMatch(/more than 262144 bytes/);
  });

  it('go nowhere that the discovery document has no business to name', async () => {
    const wrong = [
      { issuer: 'https://elsewhere.example' },
      { issuer: `${issuer}/` },
      { authorization_endpoint: 'https://elsewhere.example/authorize' },
      { authorization_endpoint: `${elsewhere}/authorize` },
      { authorization_endpoint: 'javascript:alert(1)' },
      { token_endpoint: `${elsewhere}/token` },
      { jwks_uri: `${elsewhere}/keys` },
      { jwks_uri: 'file:///etc/passwd' },
      { jwks_uri: 'https://keys.example.com/' },
      { token_endpoint: undefined },
    ];
    for (const over of wrong) {
      pages['/.well-known/openid-configuration'] = json(discovery(over));
      const refused = await open().authorizationUrl(asked, now);
      expect(refused, JSON.stringify(over)).toMatchObject({ kind: 'refusal', code: 'not_ready' });
    }
    expect(new Set(calls)).toEqual(new Set(['/.well-known/openid-configuration']));
    // Keys and tokens may be at another host that the operator named, over TLS.
    const elsewhereAllowed = async (jwks_uri: string) => {
      pages['/.well-known/openid-configuration'] = json(discovery({ jwks_uri }));
      return typeof (await open(['keys.example.com']).authorizationUrl(asked, now)) === 'string';
    };
    expect(await elsewhereAllowed('https://keys.example.com/')).toBe(true);
    for (const other of ['https://169.254.169.254/', 'https://a.keys.example.com/', 'https://keys.example.com:8443/'])
      expect(await elsewhereAllowed(other), other).toBe(false);
    expect(await elsewhereAllowed('http://keys.example.com/')).toBe(false);
  });

  it('that fail are told to the operator and tried again the next time', async () => {
    const company = open();
    pages['/.well-known/openid-configuration'] = json({}, 500);
    expect(await company.authorizationUrl(asked, now)).toMatchObject({ code: 'not_ready' });
    expect(reports[0]?.error.message).toMatch(/answered with 500/);
    pages['/.well-known/openid-configuration'] = json(discovery());
    expect(typeof (await company.authorizationUrl(asked, now))).toBe('string');
    pages['/token'] = json({ error: 'invalid_client', error_description: 'person@example.com' }, 401);
    expect(await company.redeem('code', null, asked, now)).toMatchObject({ code: 'not_ready' });
    expect(reports[1]?.error.message).toBe('the token endpoint answered 401 invalid_client');
    pages['/token'] = json({ error: 'invalid_grant' }, 400);
    expect(await company.redeem('code', null, asked, now)).toMatchObject({ code: 'unauthenticated' });
    expect(reports).toHaveLength(2);
  });
});
