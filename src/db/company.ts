import { createRemoteJWKSet, customFetch, errors, type JWTPayload, jwtVerify } from 'jose';
import { z } from 'zod';
import { sha256, toBase64Url } from '../core/hash.ts';
import { type Refusal, refuse } from '../core/refusal.ts';

/**
 * The company's OpenID Connect provider, as its client sees it (OpenID Connect Core 1.0, code flow with PKCE). It is asked
 * who somebody is and for nothing more: its tokens are checked and thrown away. Calls go to what the operator configured
 * and to what that names over TLS; no redirect is followed, and everything has a time limit and a size limit.
 */
export interface Company {
  readonly issuer: string;
  /** The only place to which a browser is sent. */
  readonly origin: string;
  readonly name: string;
  readonly trustsMfa: boolean;
  /** Where a browser goes to sign in. */
  authorizationUrl(asked: Asked, now: Temporal.Instant): Promise<string | Refusal>;
  /**
   * Exchange the code that a browser brought for who it was given to.
   * @param iss what the provider said of itself beside the code (RFC 9207); null: nothing
   */
  redeem(code: string, iss: string | null, asked: Asked, now: Temporal.Instant): Promise<Identity | Refusal>;
}

/** What ties an answer to the question: each is new every time, and known to the browser that asked. */
export interface Asked {
  readonly state: string;
  readonly nonce: string;
  /** RFC 7636. */
  readonly verifier: string;
}

/** Who the provider says it is. */
export interface Identity {
  /** `sub`: never given to somebody else (Core, 2), as an address may be. */
  readonly subject: string;
  /** Only where the provider has verified it. */
  readonly verifiedEmail: string | null;
  /** `amr` (RFC 8176). */
  readonly methods: readonly string[];
}

const limitMs = 8_000;
const maxBytes = 256 * 1024;
const maxAgeSeconds = 10 * 60;
const toleranceSeconds = 60;
const discoveryMinutes = 60;
/** Signatures that need the provider's private key; never `none`, never one keyed with what we know as well. */
const algorithms = 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' ');

const discoverySchema = z.object({
  issuer: z.string(),
  authorization_endpoint: z.url(),
  token_endpoint: z.url(),
  jwks_uri: z.url(),
  token_endpoint_auth_methods_supported: z.array(z.string()).optional(),
  authorization_response_iss_parameter_supported: z.boolean().optional(),
});
type Discovery = z.infer<typeof discoverySchema>;

const tokenSchema = z.object({ id_token: z.string() });
const claimsSchema = z.object({
  sub: z.string().min(1).max(255),
  nonce: z.string(),
  azp: z.string().optional(),
  email: z.string().max(320).optional(),
  // Some providers write "true"; what is not the value of the standard is not relied on.
  email_verified: z.unknown().optional(),
  amr: z.array(z.string()).optional().catch(undefined),
});

/** Why the provider cannot be relied on now; for the operator, without a word of what was in a token. */
class CompanyFault extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CompanyFault';
  }
}

export function openCompany(
  config: {
    readonly issuer: string;
    readonly clientId: string;
    readonly clientSecret: string;
    readonly name: string;
    readonly trustsMfa: boolean;
    readonly otherHosts: readonly string[];
  },
  options: { readonly redirectUri: string; readonly report: (what: string, error: unknown) => void },
): Company {
  const { issuer, clientId, clientSecret, name, trustsMfa, otherHosts } = config;
  const { origin } = new URL(issuer);
  let known: { discovery: Discovery; keys: ReturnType<typeof createRemoteJWKSet>; until: Temporal.Instant } | null =
    null;

  const discover = async (now: Temporal.Instant) => {
    if (known && Temporal.Instant.compare(now, known.until) < 0) return known;
    const discovery = await readDiscovery(issuer, otherHosts);
    const keys = createRemoteJWKSet(new URL(discovery.jwks_uri), {
      [customFetch]: async (url, init) => {
        const { status, text } = await call(url, { headers: init.headers });
        return new Response(text, { status });
      },
    });
    known = { discovery, keys, until: now.add({ minutes: discoveryMinutes }) };
    return known;
  };
  /** What goes wrong at the provider is told to the operator, and to whoever wants to get in what they can do. */
  const attempt = async <T>(what: string, work: () => Promise<T>): Promise<T | Refusal> => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof Unredeemed) return unredeemed(name);
      // An error of the library carries the claims; the log gets its words alone.
      options.report(what, new CompanyFault(wordsOf(error)));
      return refuse(
        'not_ready',
        `${capital(name)} cannot be asked at the moment. Nobody was signed in. Try again later, or sign in another way.`,
      );
    }
  };

  return {
    issuer,
    origin,
    name,
    trustsMfa,
    authorizationUrl: (asked, now) =>
      attempt('the company’s sign-in could not be begun', async () => {
        const { discovery } = await discover(now);
        const url = new URL(discovery.authorization_endpoint);
        const query = {
          response_type: 'code',
          client_id: clientId,
          redirect_uri: options.redirectUri,
          scope: 'openid email',
          state: asked.state,
          nonce: asked.nonce,
          code_challenge: toBase64Url(sha256(asked.verifier)),
          code_challenge_method: 'S256',
        };
        for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
        return url.href;
      }),
    redeem: (code, iss, asked, now) =>
      attempt('the company’s sign-in could not be finished', async () => {
        const { discovery, keys } = await discover(now);
        // RFC 9207, 2.4: an answer of another provider's is not sent to this one's token endpoint.
        if (iss === null ? discovery.authorization_response_iss_parameter_supported === true : iss !== issuer)
          throw new Unredeemed();
        const form = {
          grant_type: 'authorization_code',
          code,
          redirect_uri: options.redirectUri,
          code_verifier: asked.verifier,
        };
        const token = await redeemCode(discovery, { clientId, clientSecret }, form);
        const { payload } = await jwtVerify(token, keys, {
          issuer,
          audience: clientId,
          algorithms,
          requiredClaims: ['exp', 'iat', 'sub', 'nonce'],
          maxTokenAge: maxAgeSeconds,
          clockTolerance: toleranceSeconds,
          currentDate: new Date(now.epochMilliseconds),
        });
        return identityOf(payload, clientId, asked.nonce);
      }),
  };
}

/** The code or its token is not for us, or not for this question: the person may try again, the operator need not act. */
class Unredeemed extends Error {}

function unredeemed(name: string): Refusal {
  return refuse('unauthenticated', `${capital(name)} did not confirm who you are. Nobody was signed in. Begin again.`);
}

/** Core, 3.1.3.7: what the signature, `iss`, `aud` and `exp` do not say yet. */
function identityOf(payload: JWTPayload, clientId: string, nonce: string): Identity {
  const parsed = claimsSchema.safeParse(payload);
  if (!parsed.success) throw new CompanyFault('the ID token lacks what OpenID Connect asks of it');
  const { sub, azp, email, email_verified, amr } = parsed.data;
  if (parsed.data.nonce !== nonce) throw new Unredeemed();
  const isForOthers = Array.isArray(payload.aud) && payload.aud.length > 1;
  if (azp === undefined ? isForOthers : azp !== clientId)
    throw new CompanyFault('the ID token was issued to another client (azp)');
  return { subject: sub, verifiedEmail: email_verified === true ? (email ?? null) : null, methods: amr ?? [] };
}

/** Discovery 1.0, 4: the document has to say the issuer that it was asked of, to the letter. */
async function readDiscovery(issuer: string, otherHosts: readonly string[]): Promise<Discovery> {
  const { status, text } = await call(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, {});
  if (status !== 200) throw new CompanyFault(`the discovery document was answered with ${status}`);
  const parsed = discoverySchema.safeParse(parseJson(text));
  if (!parsed.success) throw new CompanyFault('the discovery document lacks what OpenID Connect asks of it');
  const discovery = parsed.data;
  if (discovery.issuer !== issuer)
    throw new CompanyFault('the discovery document names another issuer than OIDC_ISSUER, which it has to equal');
  const { origin } = new URL(issuer);
  if (new URL(discovery.authorization_endpoint).origin !== origin)
    throw new CompanyFault('authorization_endpoint is not at the issuer: nobody is sent there');
  for (const key of ['token_endpoint', 'jwks_uri'] as const) {
    const url = new URL(discovery[key]);
    if (url.origin === origin) continue;
    if (url.protocol !== 'https:' || url.port !== '' || !otherHosts.includes(url.hostname))
      throw new CompanyFault(`${key} is at ${url.host}, which OIDC_HOSTS does not name: nothing is sent there`);
  }
  return discovery;
}

async function redeemCode(
  discovery: Discovery,
  client: { clientId: string; clientSecret: string },
  form: Readonly<Record<string, string>>,
): Promise<string> {
  const ways = discovery.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
  const usesBasic = ways.includes('client_secret_basic') || !ways.includes('client_secret_post');
  // RFC 6749, 2.3.1: both are form-encoded before they are joined.
  const pair = [client.clientId, client.clientSecret].map((part) =>
    new URLSearchParams({ part }).toString().slice('part='.length),
  );
  const { status, text } = await call(discovery.token_endpoint, {
    method: 'POST',
    headers: usesBasic ? { Authorization: `Basic ${Buffer.from(pair.join(':')).toString('base64')}` } : {},
    body: new URLSearchParams(
      usesBasic ? form : { ...form, client_id: client.clientId, client_secret: client.clientSecret },
    ),
  });
  if (status !== 200) {
    const { error } = z.object({ error: z.string().optional() }).catch({}).parse(parseJson(text));
    // RFC 6749, 5.2: used, run out, another client's, or not for this verifier.
    if (error === 'invalid_grant') throw new Unredeemed();
    throw new CompanyFault(`the token endpoint answered ${status} ${/^[a-z_]{1,40}$/.exec(error ?? '')?.[0] ?? ''}`);
  }
  const parsed = tokenSchema.safeParse(parseJson(text));
  if (!parsed.success) throw new CompanyFault('the token endpoint gave no ID token');
  return parsed.data.id_token;
}

/** One call: no redirect is followed, and neither time nor bytes run away. */
async function call(url: string, init: RequestInit): Promise<{ status: number; text: string }> {
  const answer = await fetch(url, { ...init, redirect: 'manual', signal: AbortSignal.timeout(limitMs) });
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer.body ?? []) {
    size += chunk.byteLength;
    // Leaving the loop cancels the body.
    if (size > maxBytes) throw new CompanyFault(`an answer had more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return { status: answer.status, text: Buffer.concat(chunks).toString('utf8') };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function wordsOf(error: unknown): string {
  if (error instanceof errors.JOSEError) return `the ID token was refused: ${error.code}`;
  if (error instanceof CompanyFault) return error.message;
  return error instanceof Error ? `it could not be reached (${error.name})` : 'it could not be reached';
}

const capital = (name: string) => name.slice(0, 1).toUpperCase() + name.slice(1);
