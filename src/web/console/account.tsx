import type { Refusal } from '../../core/refusal.ts';
import { Field, Pill, PostForm, RefusalNotice, Table, Time } from '../components/parts.tsx';
import { ConsolePage, type Frame } from '../layout.tsx';
import { PasskeyForm } from './sign-in.tsx';

export interface AccountProps {
  readonly frame: Frame;
  readonly refusal: Refusal | null;
  /** Said once, after something was done. */
  readonly done: string | null;
  /** A token's secret, shown once. */
  readonly secret: string | null;
  readonly email: string | null;
  readonly factors: {
    readonly app: boolean;
    readonly recoveryLeft: number;
    readonly passkeys: readonly {
      readonly id: string;
      readonly name: string | null;
      readonly createdAt: Temporal.Instant;
    }[];
  };
  readonly passkeyOptions: string;
  readonly sessions: readonly {
    readonly id: string;
    readonly createdAt: Temporal.Instant;
    readonly lastUsedAt: Temporal.Instant;
    readonly network: string | null;
    readonly browser: string | null;
  }[];
  readonly tokens: readonly TokenRow[];
  /** What the person's role may do: a token may have some of it only. */
  readonly permissions: readonly string[];
}

export interface TokenRow {
  readonly id: string;
  readonly prefix: string;
  readonly actor: string;
  readonly role: string;
  readonly canApprove: boolean;
  readonly scopes: readonly string[] | null;
  readonly expiresAt: Temporal.Instant;
  readonly lastUsedAt: Temporal.Instant | null;
  readonly state: 'live' | 'expired' | 'revoked';
}

/** One's own ways in: second factors, sessions, tokens. */
export function AccountPage(props: AccountProps) {
  const { frame, refusal, done, secret, email } = props;
  const { person } = frame.session;
  return (
    <ConsolePage title="Your account" frame={frame} here="/console/account">
      <h1>Your account</h1>
      {refusal ? <RefusalNotice refusal={refusal} /> : null}
      {done ? (
        <p role="status" class="notice ok">
          {done}
        </p>
      ) : null}
      {secret ? (
        <section class="card stack-tight">
          <h2>Your new token</h2>
          <p>Copy it into a secret store now. It is not shown again.</p>
          <p>
            <code class="secret">{secret}</code>
          </p>
        </section>
      ) : null}
      <p>
        {person.name}, {email ?? 'no address'}. Your role is {person.role}; an administrator changes it.
      </p>
      <Factors {...props} />
      <Sessions {...props} />
      <OwnTokens {...props} />
      {frame.may('access.break_glass') ? (
        <section class="stack-tight">
          <h2>In an emergency</h2>
          <p>
            When nobody else is there and it cannot wait, you can take another role for up to an hour. It raises an
            alarm.
          </p>
          <p>
            <a href="/console/account/break-glass">Break the glass</a>
          </p>
        </section>
      ) : null}
    </ConsolePage>
  );
}

function Factors({ frame, factors, passkeyOptions }: AccountProps) {
  return (
    <section class="stack">
      <h2>Second factors</h2>
      <Table
        label="Second factors"
        rows={[
          ...factors.passkeys.map(({ id, name, createdAt }) => ({
            what: name ?? 'Passkey',
            kind: 'passkey',
            since: createdAt as Temporal.Instant | null,
            action: `/console/account/passkeys/${id}/remove`,
          })),
          ...(factors.app
            ? [{ what: 'Authenticator app', kind: 'app', since: null, action: '/console/account/app/remove' }]
            : []),
        ]}
        empty="You have none."
        columns={[
          { head: 'What', cell: ({ what }) => what },
          {
            head: 'Since',
            cell: ({ since, kind }) =>
              since ? (
                <Time at={since} zone={frame.zone} />
              ) : kind === 'app' ? (
                `${factors.recoveryLeft} recovery codes left`
              ) : (
                ''
              ),
          },
          { head: 'Change', cell: ({ action, what }) => <Act action={action} label={`Remove ${what}`} /> },
        ]}
      />
      <details>
        <summary>Add a passkey</summary>
        <PasskeyForm
          action="/console/account/passkeys"
          kind="create"
          options={passkeyOptions}
          next="/console/account"
          label="Make a passkey"
        >
          <Field name="name" label="A name for it" hint="Such as “work laptop”, so that you know it in a list.">
            <input id="name" type="text" name="name" maxlength={60} />
          </Field>
        </PasskeyForm>
      </details>
      <details>
        <summary>Change your password</summary>
        <PostForm action="/console/account/password">
          <Field name="old" label="The password you have now">
            <input id="old" name="old" type="password" autocomplete="current-password" required />
          </Field>
          <Field name="new" label="The new one" hint="Twelve characters or more; a few words are fine.">
            <input id="new" name="new" type="password" autocomplete="new-password" minlength={12} required />
          </Field>
          <button type="submit" class="secondary">
            Change the password
          </button>
        </PostForm>
      </details>
      <details>
        <summary>{factors.app ? 'Make new recovery codes' : 'Set up an authenticator app'}</summary>
        <PostForm action={factors.app ? '/console/account/recovery' : '/console/account/app'}>
          <Field name="password" label="Your password">
            <input id="password" name="password" type="password" autocomplete="current-password" required />
          </Field>
          <button type="submit" class="secondary">
            {factors.app ? 'Make new codes, end the old ones' : 'Set up an app'}
          </button>
        </PostForm>
      </details>
    </section>
  );
}

function Sessions({ frame, sessions }: AccountProps) {
  return (
    <section class="stack">
      <h2>Where you are signed in</h2>
      <Table
        label="Sessions"
        rows={sessions}
        empty="Nowhere."
        columns={[
          { head: 'Browser', cell: ({ browser }) => browserInWords(browser) },
          { head: 'From', cell: ({ network }) => <span class="mono">{network ?? 'not known'}</span> },
          { head: 'Since', cell: ({ createdAt }) => <Time at={createdAt} zone={frame.zone} /> },
          { head: 'Last used', cell: ({ lastUsedAt }) => <Time at={lastUsedAt} zone={frame.zone} /> },
          {
            head: 'End it',
            cell: ({ id, browser }) =>
              id === frame.session.id ? (
                <Pill tone="ok">this one</Pill>
              ) : (
                <Act action={`/console/account/sessions/${id}/end`} label={`End ${browserInWords(browser)}`} />
              ),
          },
        ]}
      />
      {sessions.length > 1 ? <Act action="/console/account/sessions/end" label="End all others" /> : null}
    </section>
  );
}

function OwnTokens({ frame, tokens, permissions }: AccountProps) {
  return (
    <section class="stack">
      <h2>Your tokens</h2>
      <p>A token acts as you, in a script. What you prepared with one you cannot approve yourself.</p>
      <TokenTable frame={frame} tokens={tokens} action="/console/account/tokens" />
      <details>
        <summary>Make a token</summary>
        <PostForm action="/console/account/tokens">
          <Field name="expires" label="Valid for" hint="Such as P30D (30 days) or P1Y.">
            <input id="expires" type="text" name="expires" value="P90D" required />
          </Field>
          <label>
            <input type="checkbox" name="approves" value="yes" /> It may approve, in your name
          </label>
          <fieldset>
            <legend>It may do only this (nothing ticked: everything you may)</legend>
            <div class="choices">
              {permissions.map((permission) => (
                <label class="choice">
                  <input type="checkbox" name="scope" value={permission} />
                  <span>{permission}</span>
                </label>
              ))}
            </div>
          </fieldset>
          <button type="submit" class="secondary">
            Make a token
          </button>
        </PostForm>
      </details>
    </section>
  );
}

/** Tokens with their prefix, which is what secret scanners and people know them by. */
export function TokenTable({
  frame,
  tokens,
  action,
}: {
  readonly frame: Frame;
  readonly tokens: readonly TokenRow[];
  readonly action: string;
}) {
  return (
    <Table
      label="Tokens"
      rows={tokens}
      empty="No token was made."
      columns={[
        { head: 'Begins with', cell: ({ prefix }) => <code>{prefix}…</code> },
        { head: 'For', cell: ({ actor, role }) => `${actor} (${role})` },
        { head: 'May do', cell: ({ scopes }) => (scopes === null ? 'all of the role' : scopes.join(', ')) },
        { head: 'May approve', cell: ({ canApprove }) => (canApprove ? 'yes' : 'no') },
        { head: 'Until', cell: ({ expiresAt }) => <Time at={expiresAt} zone={frame.zone} /> },
        {
          head: 'Last used',
          cell: ({ lastUsedAt }) => (lastUsedAt ? <Time at={lastUsedAt} zone={frame.zone} /> : 'never'),
        },
        {
          head: 'Revoke',
          cell: ({ id, prefix, state }) =>
            state === 'live' ? (
              <Act action={`${action}/${id}/revoke`} label={`Revoke ${prefix}`} />
            ) : (
              <Pill tone="quiet">{state}</Pill>
            ),
        },
      ]}
    />
  );
}

/** One button that posts. */
export function Act({ action, label }: { readonly action: string; readonly label: string }) {
  return (
    <form method="post" action={action} class="inline">
      <button type="submit" class="secondary">
        {label}
      </button>
    </form>
  );
}

/** "Firefox on Windows" of a User-Agent header, which anybody may write as they like. */
function browserInWords(agent: string | null): string {
  if (agent === null) return 'unknown browser';
  const browser = /Edg\//.test(agent) ? 'Edge' : (/(Firefox|Chrome|Safari)\//.exec(agent)?.[1] ?? 'another browser');
  const system = /(Windows|Android|iPhone|iPad|Mac OS X|Linux)/.exec(agent)?.[1];
  return system ? `${browser} on ${system}` : browser;
}
