import { createHash } from 'node:crypto';
import { OpenAPIHono, type RouteConfig, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { Session } from '../core/actor.ts';
import { type InputProblem, isRefusal, type Refusal, refuse } from '../core/refusal.ts';
import { answerOnce } from '../flows/answer-once.ts';
import { authenticateSession, authenticateToken, type Caller } from '../flows/authenticate.ts';
import type { Office } from '../flows/office.ts';
import { mayNow, type Permission } from '../policy/roles.ts';
import { parseJsonBody } from './json-body.ts';
import { replyProblem } from './problem.ts';

/** What an endpoint may ask of whoever calls it. `public`: nothing. */
export type Access = Permission | 'public';

/** Where sessions come from: given by main.ts, so that http/ needs no sign-in library. */
export type SessionOf = (headers: Headers) => Promise<Session | null>;

interface Definition<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodType> {
  readonly method: 'get' | 'post';
  /** In OpenAPI's form, beneath /api/v1: `/requests/{id}`. */
  readonly path: string;
  readonly summary: string;
  readonly tag: string;
  readonly access: Access;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  /** The body is multipart: the handler reads it itself. */
  readonly multipart?: boolean;
  /** The answer holds a secret, which is kept nowhere: a repeated Idempotency-Key does it again. */
  readonly answersSecret?: boolean;
  /** Its JSON, or the media type of the bytes. */
  readonly answer: z.ZodType | string;
  readonly status?: 200 | 201 | 202;
  readonly handle: (call: {
    readonly caller: Caller;
    readonly params: z.output<P>;
    readonly query: z.output<Q>;
    readonly body: z.output<B>;
    readonly c: Context;
  }) => Promise<unknown | Refusal | Response>;
}

/** What of a definition tells how it can be refused. */
type Shape = Pick<Definition<z.ZodObject, z.ZodObject, z.ZodType>, 'method' | 'access' | 'params' | 'query'>;

export interface RouteEntry {
  readonly method: string;
  readonly path: string;
  readonly access: Access;
}

const maxBodyBytes = 1024 * 1024;
const maxUploadBytes = 60 * 1024 * 1024;

const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string(),
    detail: z.string(),
    errors: z.array(z.object({ pointer: z.string(), code: z.string(), detail: z.string() })),
  })
  .catchall(z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(z.string())]))
  .openapi('Problem', {
    description: 'RFC 9457. Facts of the refusal, such as retryAt, stand beside the fixed members.',
  });

const nobody: Caller = { actor: { id: 'public', kind: 'requester', role: null, approval: null }, presence: null };

/** The API beneath /api/v1: endpoints are registered here, and only here is a caller known and a permission asked. */
export class Api {
  readonly app = new OpenAPIHono();
  readonly routes: RouteEntry[] = [];
  readonly #office: Office;
  readonly #sessionOf: SessionOf;

  constructor(office: Office, sessionOf: SessionOf) {
    this.#office = office;
    this.#sessionOf = sessionOf;
    // A GET of a package or a person is recorded as a look at it: the headers alone are no call of their own.
    this.app.use((c, next) =>
      c.req.method === 'HEAD' ? Promise.resolve(c.body(null, 405, { Allow: 'GET' })) : next(),
    );
    this.app.notFound((c) =>
      replyProblem(
        c,
        refuse('not_found', `There is no ${c.req.method} ${c.req.path}. /openapi.json lists every call.`),
      ),
    );
  }

  add<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodType>(definition: Definition<P, Q, B>): void {
    const { method, path, access, multipart } = definition;
    this.routes.push({ method: method.toUpperCase(), path: `/api/v1${path}`, access });
    this.app.openAPIRegistry.registerPath(toOpenApi(definition));
    const limit = bodyLimit({
      maxSize: multipart ? maxUploadBytes : maxBodyBytes,
      onError: (c) =>
        replyProblem(
          c,
          refuse(
            'too_large',
            `The body is larger than ${(multipart ? maxUploadBytes : maxBodyBytes) / 1024 / 1024} MB. Nothing was changed.`,
          ),
        ),
    });
    const answer = async (c: Context, caller: Caller): Promise<Response> => {
      const input = await parseInput(c, definition);
      if (isRefusal(input)) return replyProblem(c, input);
      const run = async () => {
        const outcome = await definition.handle({ caller, ...input, c });
        if (outcome instanceof Response) return outcome;
        return isRefusal(outcome) ? replyProblem(c, outcome) : c.json(outcome as object, definition.status ?? 200);
      };
      const key = c.req.header('Idempotency-Key');
      if (method !== 'post' || key === undefined || multipart || definition.answersSecret) return run();
      return this.#once(c, caller, key, input.body, run);
    };
    this.app.on(method.toUpperCase(), path.replaceAll(/\{(\w+)\}/g, ':$1'), async (c) => {
      // Who may not call has no body read: 60 MB of it would be ours to hold.
      const caller = await this.#callerFor(c, access);
      if (isRefusal(caller)) return replyProblem(c, caller);
      // Without its length an upload would be read here, before anything is asked of who sends it.
      if (multipart && c.req.header('transfer-encoding') !== undefined)
        return replyProblem(
          c,
          refuse('too_large', 'Send a file with its Content-Length: it could be too large. Nothing was changed.'),
        );
      let reply: Response | undefined;
      const tooLarge = await limit(c, async () => {
        reply = await answer(c, caller);
      });
      return tooLarge ?? reply ?? c.notFound();
    });
  }

  async #callerFor(c: Context, access: Access): Promise<Caller | Refusal> {
    if (access === 'public') return nobody;
    const caller = await this.#identify(c);
    if (!caller)
      return refuse(
        'unauthenticated',
        'This call needs a token ("Authorization: Bearer …") or a staff session. Nothing was changed.',
      );
    if (!mayNow(this.#office.policy.roles, caller.actor, access))
      return refuse(
        'not_allowed',
        `Your role (${caller.actor.role ?? 'none'}) may not do this: it needs ${access}. policies/roles.yaml says who may.`,
        { permission: access },
      );
    return caller;
  }

  async #identify(c: Context): Promise<Caller | null> {
    const [scheme, secret] = (c.req.header('Authorization') ?? '').split(' ');
    if (scheme?.toLowerCase() === 'bearer' && secret) return authenticateToken(this.#office, secret);
    // A session is a cookie, which a browser sends along unasked: only a same-origin page may use it to change things.
    if (c.req.method !== 'GET' && c.req.header('Sec-Fetch-Site') !== 'same-origin') return null;
    const session = await this.#sessionOf(c.req.raw.headers);
    return session ? authenticateSession(this.#office, session) : null;
  }

  async #once(c: Context, caller: Caller, key: string, body: unknown, run: () => Promise<Response>): Promise<Response> {
    if (!/^[\x21-\x7e]{1,200}$/.test(key))
      return replyProblem(
        c,
        refuse('invalid', 'An Idempotency-Key is 1 to 200 visible ASCII characters. Nothing was changed.'),
      );
    const fingerprint = createHash('sha256')
      .update(`${c.req.method} ${c.req.path}\n${JSON.stringify(body ?? null)}`)
      .digest('hex');
    const answer = await answerOnce(this.#office, caller.actor, key, fingerprint, async () => {
      const response = await run();
      return { status: response.status, body: await response.text(), type: response.headers.get('Content-Type') ?? '' };
    });
    if (isRefusal(answer)) return replyProblem(c, answer);
    return new Response(answer.body, { status: answer.status, headers: { 'Content-Type': answer.type } });
  }
}

/** What is left out is missing; `undefined` is a word of programs. */
function inPlainWords(message: string): string {
  return message.replace(/^Invalid input: expected (.*), received undefined$/, 'This is missing: write a value ($1).');
}

async function parseInput<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodType>(
  c: Context,
  definition: Definition<P, Q, B>,
) {
  const errors: InputProblem[] = [];
  const read = <S extends z.ZodType>(schema: S | undefined, value: unknown, where: string): z.output<S> => {
    if (!schema) return {} as z.output<S>;
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data as z.output<S>;
    for (const issue of parsed.error.issues) {
      const keys = issue.code === 'unrecognized_keys' ? issue.keys : [null];
      for (const key of keys) {
        const path = [...issue.path.map(String), ...(key === null ? [] : [key])];
        errors.push({
          pointer: `${where}${path.map((step) => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')}`,
          code: issue.code,
          detail: key === null ? inPlainWords(issue.message) : `There is no "${key}" here.`,
        });
      }
    }
    return undefined as z.output<S>;
  };
  let raw: unknown;
  if (definition.method === 'post' && definition.body) {
    const bytes = await c.req.arrayBuffer();
    const type = c.req.header('Content-Type') ?? '';
    if (bytes.byteLength > 0 && !/^application\/([\w.-]+\+)?json\b/i.test(type))
      return refuse(
        'invalid',
        'The body must be JSON, sent with Content-Type: application/json. Nothing was changed.',
        {},
        [{ pointer: '', code: 'content_type', detail: 'Send Content-Type: application/json.' }],
      );
    const parsed = parseJsonBody(bytes);
    if (isRefusal(parsed)) return parsed;
    raw = parsed.value;
  }
  const params = read(definition.params, c.req.param(), '');
  const query = read(definition.query, c.req.query(), '?');
  const body = read(definition.body, raw, '');
  if (errors.length > 0)
    return refuse(
      'invalid',
      `${errors.length === 1 ? 'One place' : `${errors.length} places`} in the request cannot be used. Nothing was changed.`,
      {},
      errors,
    );
  return { params, query, body };
}

function toOpenApi<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodType>(
  definition: Definition<P, Q, B>,
): RouteConfig {
  const { method, path, summary, tag, access, params, query, body, answer, status = 200, multipart } = definition;
  const problem = {
    description: 'A problem (RFC 9457); nothing was changed',
    content: { 'application/problem+json': { schema: problemSchema } },
  };
  return {
    method,
    path: `/api/v1${path}`,
    summary,
    tags: [tag],
    description: access === 'public' ? 'Open to everybody.' : `Needs the permission ${access}.`,
    ...(access === 'public' ? { security: [] } : { security: [{ bearer: [] }] }),
    request: {
      ...(params ? { params } : {}),
      ...(query ? { query } : {}),
      ...(multipart
        ? {
            body: {
              content: {
                'multipart/form-data': { schema: z.object({ file: z.string().openapi({ format: 'binary' }) }) },
              },
            },
          }
        : body
          ? { body: { content: { 'application/json': { schema: body } } } }
          : {}),
    },
    responses: {
      [status]:
        typeof answer === 'string'
          ? {
              description: 'The bytes',
              content: { [answer]: { schema: z.string().openapi({ format: 'binary' }) } },
            }
          : { description: 'Done', content: { 'application/json': { schema: answer } } },
      ...Object.fromEntries(problemStatuses(definition).map((code) => [code, problem])),
      default: problem,
    },
  };
}

/** The statuses of the problems an endpoint can answer with. What is nobody's doing (5xx) is the `default`. */
function problemStatuses({ method, access, params, query }: Shape): readonly number[] {
  const posts = method === 'post';
  const named = params !== undefined;
  const answers: readonly (readonly [number, boolean])[] = [
    [401, access !== 'public'],
    [403, access !== 'public'],
    [404, named || posts],
    [409, named || posts],
    // Also where no body is asked for: one that comes is measured all the same.
    [413, posts],
    [422, posts || named || query !== undefined],
    [429, access === 'public'],
  ];
  return answers.filter(([, can]) => can).map(([status]) => status);
}
