import { roles } from '../../core/actor.ts';
import { formatInstant } from '../../core/instants.ts';
import type { Refusal } from '../../core/refusal.ts';
import type { RolePolicy } from '../../policy/roles.ts';
import { errorFor, Facts, Field, Hash, Pill, PostForm, RefusalNotice, Table, Time } from '../components/parts.tsx';
import { ConsolePage, type Frame } from '../layout.tsx';
import { Act, type TokenRow, TokenTable } from './account.tsx';

export interface PersonRow {
  readonly id: string;
  readonly name: string;
  readonly email: string | null;
  readonly role: string;
  readonly title: string | null;
  readonly disabledAt: Temporal.Instant | null;
  readonly lastSeenAt: Temporal.Instant | null;
}

export interface PeopleProps {
  readonly frame: Frame;
  readonly people: readonly PersonRow[];
  readonly tokens: readonly TokenRow[];
  readonly keys: readonly {
    readonly kid: string;
    readonly purpose: string;
    readonly owner: string;
    readonly createdAt: Temporal.Instant;
  }[];
  readonly roles: RolePolicy;
}

/** Who works here, with what. */
export function PeoplePage({ frame, people, tokens, keys, roles: policy }: PeopleProps) {
  return (
    <ConsolePage title="People and keys" frame={frame} here="/console/settings">
      <div class="page-head">
        <h1>People and keys</h1>
        <a class="button" href="/console/settings/invite">
          Invite somebody
        </a>
      </div>
      <section class="stack-tight">
        <h2>People</h2>
        <Table
          label="People"
          rows={people}
          empty="Nobody yet."
          columns={[
            { head: 'Name', cell: ({ id, name }) => <a href={`/console/settings/people/${id}`}>{name}</a> },
            { head: 'Address', cell: ({ email }) => email ?? 'tokens only' },
            { head: 'Role', cell: ({ role }) => role },
            { head: 'Title', cell: ({ title }) => title ?? '' },
            {
              head: 'Last here',
              cell: ({ lastSeenAt }) => (lastSeenAt ? <Time at={lastSeenAt} zone={frame.zone} /> : 'never'),
            },
            { head: 'State', cell: (person) => <PersonState person={person} /> },
          ]}
        />
      </section>
      <section class="stack-tight">
        <h2>Tokens</h2>
        <TokenTable frame={frame} tokens={tokens} action="/console/settings/tokens" />
      </section>
      <section class="stack-tight">
        <h2>Keys</h2>
        <Table
          label="Keys"
          rows={keys}
          empty="No key was made."
          columns={[
            { head: 'Key', cell: ({ kid }) => <Hash value={kid} /> },
            { head: 'Purpose', cell: ({ purpose }) => purpose },
            { head: 'Owner', cell: ({ owner }) => owner },
            {
              head: 'Since',
              cell: ({ createdAt }) => (
                <span title={formatInstant(createdAt)}>
                  <Time at={createdAt} zone={frame.zone} />
                </span>
              ),
            },
          ]}
        />
      </section>
      <section class="stack-tight">
        <h2>What each role may do</h2>
        <Table
          label="Roles"
          rows={Object.entries(policy)}
          empty="No role."
          columns={[
            { head: 'Role', cell: ([role]) => role },
            { head: 'May', cell: ([, permissions]) => permissions.join(', ') },
          ]}
        />
      </section>
    </ConsolePage>
  );
}

function PersonState({ person }: { readonly person: PersonRow }) {
  return <Pill tone={person.disabledAt ? 'quiet' : 'ok'}>{person.disabledAt ? 'disabled' : 'active'}</Pill>;
}

/** One person: what they are to Muniment, and what an administrator can change. */
export function PersonPage({
  frame,
  person,
  factors,
  isTied,
  tokens,
  refusal,
}: {
  readonly frame: Frame;
  readonly person: PersonRow;
  readonly factors: { readonly app: boolean; readonly passkeys: number };
  /** To an account of the company's provider. */
  readonly isTied: boolean;
  readonly tokens: readonly TokenRow[];
  readonly refusal: Refusal | null;
}) {
  const at = `/console/settings/people/${person.id}`;
  const isSelf = person.id === frame.session.person.id;
  return (
    <ConsolePage title={person.name} frame={frame} here="/console/settings">
      <h1>{person.name}</h1>
      {refusal ? <RefusalNotice refusal={refusal} /> : null}
      <div class="card">
        <Facts
          rows={[
            ['Address', person.email ?? 'none: this actor only holds tokens'],
            ['Role', person.role],
            ['Title', person.title ?? 'none'],
            ['State', <PersonState person={person} />],
            ['Last here', person.lastSeenAt ? <Time at={person.lastSeenAt} zone={frame.zone} /> : 'never'],
            ['Second factors', factorsInWords(factors)],
          ]}
        />
      </div>
      {isSelf ? (
        <p>
          This is you. Somebody else must change your role or access; your second factors are under{' '}
          <a href="/console/account">Your account</a>.
        </p>
      ) : (
        <section class="stack">
          <h2>Change</h2>
          <p>Each change is recorded, raises an alarm and takes effect at once: they are signed out everywhere.</p>
          <PostForm action={`${at}/role`}>
            <Field name="role" label="Role">
              <select id="role" name="role">
                {roles.map((role) => (
                  <option value={role} selected={role === person.role}>
                    {role}
                  </option>
                ))}
              </select>
            </Field>
            <button type="submit" class="secondary">
              Change the role
            </button>
          </PostForm>
          {person.email && !person.disabledAt ? (
            <Act action={`${at}/invite`} label="Send a new link (forgotten password)" />
          ) : null}
          {factors.app || factors.passkeys > 0 ? (
            <Act action={`${at}/reset`} label="Take the second factor away (lost phone)" />
          ) : null}
          {isTied ? <Act action={`${at}/untie`} label="Untie their company account (they got a new one)" /> : null}
          {person.disabledAt ? (
            <Act action={`${at}/enable`} label={`Let ${person.name} in again`} />
          ) : (
            <Act action={`${at}/disable`} label={`Disable ${person.name}`} />
          )}
          <p class="small muted">People are disabled, never deleted: the record of what they did keeps their name.</p>
        </section>
      )}
      <section class="stack-tight">
        <h2>Tokens</h2>
        <TokenTable frame={frame} tokens={tokens} action="/console/settings/tokens" />
      </section>
    </ConsolePage>
  );
}

function factorsInWords({ app, passkeys }: { readonly app: boolean; readonly passkeys: number }): string {
  const parts = [
    ...(app ? ['an authenticator app'] : []),
    ...(passkeys > 0 ? [passkeys === 1 ? 'one passkey' : `${passkeys} passkeys`] : []),
  ];
  return parts.length > 0 ? parts.join(' and ') : 'none yet: they can do nothing before they set one up';
}

/** Let somebody in. */
export function InvitePage({
  frame,
  refusal,
  values,
  link,
}: {
  readonly frame: Frame;
  readonly refusal: Refusal | null;
  readonly values: Readonly<Record<string, string>>;
  /** Where no mail leaves: the link to pass on. */
  readonly link: { readonly to: string; readonly link: string | null; readonly expiresAt: string } | null;
}) {
  return (
    <ConsolePage title="Invite somebody" frame={frame} here="/console/settings">
      <h1>Invite somebody</h1>
      {refusal ? <RefusalNotice refusal={refusal} /> : null}
      {link ? (
        <section class="card stack-tight" role="status">
          <h2>{link.to} is invited</h2>
          {link.link === null ? (
            <p>
              The link was mailed to them. It works once, until {link.expiresAt.slice(0, 16).replace('T', ' ')} UTC.
            </p>
          ) : (
            <>
              <p>
                No mail leaves this installation. Send them this link over a channel you trust; it works once, until{' '}
                {link.expiresAt.slice(0, 16).replace('T', ' ')} UTC.
              </p>
              <p>
                <code class="secret">{link.link}</code>
              </p>
            </>
          )}
        </section>
      ) : null}
      <PostForm action="/console/settings/invite">
        <Field name="name" label="Full name" error={errorFor(refusal, 'name')}>
          <input id="name" type="text" name="name" value={values.name ?? ''} maxlength={120} required />
        </Field>
        <Field name="email" label="E-mail address" error={errorFor(refusal, 'email')}>
          <input id="email" name="email" type="email" value={values.email ?? ''} maxlength={254} required />
        </Field>
        <Field name="title" label="Title" hint="As it stands in letters and packages; may stay empty.">
          <input id="title" type="text" name="title" value={values.title ?? ''} maxlength={120} />
        </Field>
        <Field name="role" label="Role">
          <select id="role" name="role">
            {roles.map((role) => (
              <option value={role} selected={role === (values.role ?? 'privacy')}>
                {role}
              </option>
            ))}
          </select>
        </Field>
        <button type="submit">Invite</button>
      </PostForm>
    </ConsolePage>
  );
}
