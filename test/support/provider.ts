import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider, { type Context } from 'oidc-provider';

/** Somebody at the company. Their `sub` is the key under which they stand. */
export interface CompanyAccount {
  readonly email: string;
  readonly email_verified: boolean;
  readonly amr?: readonly string[];
}

/** A company's OpenID Connect provider on a free port: panva's, which is certified. It believes whoever names an account. */
export interface TestProvider {
  readonly issuer: string;
  readonly accounts: Map<string, CompanyAccount>;
  /** The environment of a house whose staff sign in here. */
  readonly env: Readonly<Record<string, string>>;
  /** Sign in there as a browser would. @returns the path and query with which it leads back to Muniment */
  visit(authorizationUrl: string, sub: string): Promise<string>;
  close(): Promise<void>;
}

/** A client of the company's that is not Muniment, with the same redirect URI. */
export const otherClient = 'payroll';

export async function openProvider(publicUrl = 'http://localhost:3000'): Promise<TestProvider> {
  const accounts = new Map<string, CompanyAccount>();
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = {
    client_secret: 'a secret: of+the company/s',
    redirect_uris: [`${publicUrl}/console/sign-in/company/callback`],
  };
  const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
  const provider = new Provider(issuer, {
    clients: [
      { client_id: 'muniment', ...client },
      { client_id: otherClient, ...client },
    ],
    jwks: { keys: [{ ...key, use: 'sig', alg: 'RS256', kid: 'one' }] },
    cookies: { keys: ['only for tests'] },
    claims: { openid: ['sub', 'amr'], email: ['email', 'email_verified'] },
    conformIdTokenClaims: false,
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_: Context, { uid }: { uid: string }) => `/interaction/${uid}` },
    findAccount: (_: Context, sub: string) => ({ accountId: sub, claims: () => ({ sub, ...accounts.get(sub) }) }),
    // As long as a test may take.
    ttl: { Interaction: 600, Grant: 600, Session: 600, AccessToken: 600, IdToken: 600 },
    // Nobody is asked whether Muniment may know who they are.
    loadExistingGrant: async (context: Context) => {
      const { client: asking, session } = context.oidc;
      const grant = new provider.Grant({ accountId: session.accountId, clientId: asking.clientId });
      grant.addOIDCScope('openid email');
      await grant.save();
      return grant;
    },
  });
  const callback = provider.callback();
  server.on('request', (request, response) => {
    const url = new URL(request.url ?? '/', issuer);
    const sub = url.searchParams.get('sub');
    if (!url.pathname.startsWith('/interaction/')) callback(request, response);
    else if (sub !== null) {
      const login = { accountId: sub, amr: accounts.get(sub)?.amr };
      void provider.interactionFinished(request, response, { login });
    } else
      response
        .setHeader('Content-Type', 'text/html')
        .end('<form><label>Who are you? <input name="sub"></label><button>Continue</button></form>');
  });
  return {
    issuer,
    accounts,
    env: {
      OIDC_ISSUER: issuer,
      OIDC_CLIENT_ID: 'muniment',
      OIDC_CLIENT_SECRET: client.client_secret,
      OIDC_NAME: 'Example Corp',
    },
    async visit(authorizationUrl, sub) {
      const jar = new Map<string, string>();
      let url = authorizationUrl;
      for (let hop = 0; hop < 8 && !url.startsWith(publicUrl); hop++) {
        const answer = await fetch(url, {
          redirect: 'manual',
          headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') },
        });
        for (const cookie of answer.headers.getSetCookie()) {
          const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
          jar.set(name, value);
        }
        const to = answer.headers.get('location');
        if (to === null && !url.includes('/interaction/'))
          throw new Error(`the provider answered ${answer.status}: ${await answer.text()}`);
        url = to === null ? `${url}?sub=${encodeURIComponent(sub)}` : new URL(to, url).href;
      }
      return url.slice(publicUrl.length);
    },
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}
