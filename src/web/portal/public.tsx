import type { Period } from '../../core/periods.ts';
import type { Refusal } from '../../core/refusal.ts';
import { type Keep, keepAsWritten } from '../../policy/keep.ts';
import type { Organization } from '../../policy/organization.ts';
import type { Retention, RetentionRule } from '../../policy/retention.ts';
import { selectionInWords } from '../../policy/selection.ts';
import { Field, Pill, PostForm, RefusalNotice, Table } from '../components/parts.tsx';
import { PortalPage } from '../layout.tsx';

/** "3 years", "18 months", "90 days". */
function periodInWords({ years, months, weeks, days }: Period): string {
  const part = (count: number, unit: string) => (count === 0 ? [] : [`${count} ${unit}${count === 1 ? '' : 's'}`]);
  return [...part(years, 'year'), ...part(months, 'month'), ...part(weeks, 'week'), ...part(days, 'day')].join(', ');
}

/** "3 years", "For ever", "1 year to 3 years". */
export function keepInWords({ period, atLeast }: Keep): string {
  if (period === null) return 'For ever';
  return atLeast === null ? periodInWords(period) : `${periodInWords(atLeast)} to ${periodInWords(period)}`;
}

/** For which of its records a rule is; empty: for all of them. For staff: a condition may name somebody. */
export function conditionsInWords({ where }: RetentionRule): readonly string[] {
  return [...new Set(Object.values(where).map(selectionInWords))];
}

/** The windows, from the policy itself. */
export function RetentionPage({
  organization,
  retention,
  digest,
}: {
  readonly organization: Organization;
  readonly retention: Retention;
  readonly digest: string;
}) {
  return (
    <PortalPage title="What we keep, and how long" organization={organization.name}>
      <h1>What we keep, and for how long</h1>
      <p class="lead">
        When its time is up, a record is destroyed, or masked where it says so, by a clock that asks nobody. These are
        the rules it reads, not a description of them. Where two of them name the same records, the longer time counts;
        a rule for some records takes the place of a rule for all of them.
      </p>
      <div class="stack">
        {Object.values(retention).map((rule) => (
          <article class="card">
            <h2>{rule.title}</h2>
            <p class="figure">{keepInWords(rule.keep)}</p>
            {Object.keys(rule.where).length > 0 ? <p>For some of these records only.</p> : null}
            {rule.dispose === 'retain' ? <p>Nothing is destroyed by this rule: it only keeps.</p> : null}
            {rule.dispose === 'mask' ? (
              <p>After that the record stays, and what it says about people is removed or made unreadable.</p>
            ) : null}
            <p>{rule.authority}</p>
            <p class="small muted">
              Rule <code>{rule.id}</code>, <code>{keepAsWritten(rule.keep)}</code>, on{' '}
              <code>{rule.datasets.join(', ')}</code>
            </p>
          </article>
        ))}
      </div>
      <section class="stack-tight">
        <h2>When we keep longer</h2>
        <p>
          If a court or a law makes us preserve something, a legal hold stops its destruction: only what the hold
          covers, and only until it is released. Two people must agree to a release.
        </p>
        <p>
          You can ask us to delete your data before its time is up. <a href="/">Make a request</a>.
        </p>
      </section>
      <p class="small muted">
        Policy digest <span class="hash">{digest}</span>. Every destruction is recorded under the digest of the policy
        it followed.
      </p>
    </PortalPage>
  );
}

const instruments: readonly { readonly name: string; readonly gets: string }[] = [
  {
    name: 'Civil subpoena',
    gets: 'Subscriber data, after notice to the account holder. No content of messages: 18 U.S.C. 2702 bars it. The account holder can get a certified export of their own messages, at once and free.',
  },
  { name: 'Grand jury or criminal subpoena', gets: 'Subscriber data.' },
  {
    name: 'Court order under 18 U.S.C. 2703(d)',
    gets: 'Subscriber data and records about communications, not their content.',
  },
  { name: 'Search warrant', gets: 'What the warrant describes, content included.' },
  {
    name: 'Preservation letter (18 U.S.C. 2703(f))',
    gets: 'Nothing is given out. We preserve for 90 days, renewable once for 90 more.',
  },
  {
    name: 'European Production Order (Reg. (EU) 2023/1543)',
    gets: 'What the order names, within 10 days, in an emergency 8 hours.',
  },
  { name: 'Emergency request', gets: 'What averts a danger to life, after a call back to a number we find ourselves.' },
];

/** How to serve a legal demand. */
export function LegalPage({ organization }: { readonly organization: Organization }) {
  const { legal } = organization;
  return (
    <PortalPage title="Legal process" organization={organization.name}>
      <h1>How to serve legal process on {organization.name}</h1>
      <p class="lead">For courts, law enforcement and counsel. We answer valid demands in full, and no others.</p>
      <section class="stack-tight">
        <h2>Where</h2>
        <div class="card">
          <p>
            By mail to <a href={`mailto:${legal.email}`}>{legal.email}</a>
            {legal.phone ? `, by telephone ${legal.phone}` : ''}
          </p>
          <p>
            {legal.address.map((line) => (
              <>
                {line}
                <br />
              </>
            ))}
          </p>
          {legal.hours ? <p class="muted">{legal.hours}</p> : null}
        </div>
      </section>
      <section class="stack-tight">
        <h2>What a demand must say</h2>
        <ul class="steps">
          <li>The issuing authority, the instrument and its number, the legal basis, and a signature.</li>
          <li>
            The account: an e-mail address or telephone number as used with us. A name alone does not find anyone for
            certain.
          </li>
          <li>Which kinds of data, and the dates from and to.</li>
          <li>
            A return date, and a telephone number of your office that we can find in a public source: we call back
            before we answer.
          </li>
        </ul>
      </section>
      <section class="stack-tight">
        <h2>What each instrument can obtain</h2>
        <Table
          label="Instruments and what they obtain"
          rows={instruments}
          empty="Nothing."
          columns={[
            { head: 'Instrument', cell: ({ name }) => <strong>{name}</strong> },
            { head: 'Obtains', cell: ({ gets }) => gets },
          ]}
        />
      </section>
      <section class="stack-tight">
        <h2>How we answer</h2>
        <p>
          As a sealed package: the records as stored (NDJSON), as a table (CSV) and as a paged PDF with Bates numbers, a
          manifest with SHA-256 of every file, signed by us and by the person who approved it. Anyone can{' '}
          <a href="/verify">check it</a>, offline, with tools that are not ours. We tell the account holder, unless the
          law forbids it.
        </p>
      </section>
    </PortalPage>
  );
}

/** How often demands come, with small numbers banded. */
export function TransparencyPage({
  organization,
  rows,
}: {
  readonly organization: Organization;
  readonly rows: readonly { readonly type: string; readonly count: number; readonly answered: number }[];
}) {
  // A single family could be recognised in a small number.
  const band = (count: number) => (count === 0 ? '0' : count < 5 ? 'fewer than 5' : String(count));
  return (
    <PortalPage title="Transparency" organization={organization.name}>
      <h1>How often we are asked for data</h1>
      <p>
        Legal demands since we began to count. Numbers below five are shown as a band, so that nobody can be recognised
        in them.
      </p>
      <Table
        label="Legal demands by type"
        rows={rows}
        empty={
          <>
            <p>
              <strong>No demand has been recorded yet.</strong>
            </p>
            <p>When one is, it is counted here by type, with how many were answered.</p>
          </>
        }
        columns={[
          { head: 'Type', cell: ({ type }) => type.replaceAll('_', ' ') },
          { head: 'Received', number: true, cell: ({ count }) => band(count) },
          { head: 'Answered with data', number: true, cell: ({ answered }) => band(answered) },
        ]}
      />
    </PortalPage>
  );
}

export interface VerifyProps {
  readonly organization: Organization;
  readonly publicUrl: string;
  readonly refusal: Refusal | null;
  readonly result: {
    readonly ok: boolean;
    readonly claims: readonly { readonly claim: string; readonly ok: boolean; readonly detail: string }[];
  } | null;
}

/** Check a package here; the page says how to check it without us, which is worth more. */
export function VerifyPage({ organization, publicUrl, refusal, result }: VerifyProps) {
  return (
    <PortalPage title="Check a package" organization={organization.name}>
      <h1>Check an evidence package</h1>
      <p>Upload a package (EXP-….zip) and see every claim it makes, and whether each holds. Nothing of it is kept.</p>
      {refusal ? <RefusalNotice refusal={refusal} /> : null}
      {result ? (
        <section class="stack-tight" aria-live="polite">
          <div class={`notice ${result.ok ? 'ok' : 'danger'}`}>
            <p>
              <strong>
                {result.ok ? 'Every claim holds.' : 'This package is not good: at least one claim fails.'}
              </strong>
            </p>
          </div>
          <Table
            label="Claims"
            rows={result.claims}
            empty="Nothing was claimed."
            columns={[
              { head: 'Claim', cell: ({ claim }) => <code>{claim}</code> },
              { head: 'Holds', cell: ({ ok }) => <Pill tone={ok ? 'ok' : 'danger'}>{ok ? 'holds' : 'fails'}</Pill> },
              { head: 'Detail', cell: ({ detail }) => detail },
            ]}
          />
        </section>
      ) : null}
      <PostForm action="/verify" multipart>
        <Field name="file" label="Package" hint="At most 60 MB here; larger ones with the command below.">
          <input id="file" name="file" type="file" accept=".zip,application/zip" required />
        </Field>
        <button type="submit">Check it</button>
      </PostForm>
      <section class="stack-tight">
        <h2>Without us</h2>
        <p>
          Every package holds a README-VERIFY.txt with commands of tools that are not ours: sha256sum, openssl, jose.
          Compare the root certificate's fingerprint with the one we publish:
        </p>
        <pre>{`curl -s ${publicUrl}/.well-known/muniment/root.pem | openssl x509 -noout -fingerprint -sha256`}</pre>
      </section>
    </PortalPage>
  );
}
