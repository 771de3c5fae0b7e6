import { groundInWords } from '../../requests/grounds.ts';
import type { Bucket, Finding, SubjectRequest } from '../../requests/request.ts';
import { Hash, Table, Time } from '../components/parts.tsx';

const bucketWords: Readonly<Record<Bucket, string>> = {
  destroy: 'destroyed',
  mask: 'made anonymous',
  keep: 'kept',
  give: 'given',
  redact: 'given, redacted',
};
const buckets = ['destroy', 'mask', 'keep', 'give', 'redact'] as const satisfies readonly Bucket[];

type Found = Pick<Finding, 'dataset' | 'count' | 'disposition'> & { readonly ground?: Finding['ground'] };

/** How many of the records found go one way. */
export function countOf(findings: readonly Found[], bucket: Bucket): number {
  return findings.filter(({ disposition }) => disposition === bucket).reduce((sum, { count }) => sum + count, 0);
}

/** What becomes of the records, a card each way, with the ground of what is kept. `verb`: "would be", "will be". */
export function Buckets({ findings, verb }: { readonly findings: readonly Found[]; readonly verb: string }) {
  return (
    <div class="cards">
      {buckets
        .map((bucket) => ({ bucket, list: findings.filter(({ disposition }) => disposition === bucket) }))
        .filter(({ list }) => list.length > 0)
        .map(({ bucket, list }) => (
          <section class="card">
            <div class="figure">{countOf(list, bucket).toLocaleString('en')}</div>
            <p>
              <strong>
                {verb} {bucketWords[bucket]}
              </strong>
            </p>
            <ul class="small">
              {list.map(({ dataset, count, ground }) => (
                <li>
                  {count.toLocaleString('en')} in <code>{dataset}</code>
                  {ground ? `: ${groundInWords(ground)}` : ''}
                </li>
              ))}
            </ul>
          </section>
        ))}
    </div>
  );
}

/** What the search found: what becomes of it first, then dataset by dataset with the digests, on demand. */
export function Findings({ request }: { readonly request: SubjectRequest }) {
  const { findings, receipt } = request;
  if (findings === null) return <div class="empty">The search begins by itself when identity is confirmed.</div>;
  if (findings.length === 0) return <div class="empty">Nothing of this person was found in any source.</div>;
  return (
    <>
      {receipt ? null : <Buckets findings={findings} verb="would be" />}
      <details>
        <summary>
          {findings.reduce((sum, { count }) => sum + count, 0).toLocaleString('en')} records, dataset by dataset
        </summary>
        <Table
          label="Findings"
          rows={findings}
          empty="Nothing of this person was found in any source."
          columns={[
            { head: 'Dataset', cell: ({ dataset }) => <code>{dataset}</code> },
            { head: 'Records', number: true, cell: ({ count }) => count.toLocaleString('en') },
            { head: 'What becomes of them', cell: ({ disposition }) => bucketWords[disposition] },
            { head: 'Digest', cell: ({ digest }) => <Hash value={digest} /> },
          ]}
        />
      </details>
    </>
  );
}

/** What was done, as the receipt has it. */
export function Receipt({ request, zone }: { readonly request: SubjectRequest; readonly zone: string }) {
  const { receipt } = request;
  if (!receipt) return null;
  const rows: readonly Found[] = [
    ...receipt.given,
    ...receipt.destroyed.map((finding) => ({ ...finding, disposition: 'destroy' as const })),
    ...receipt.masked.map((finding) => ({ ...finding, disposition: 'mask' as const })),
    ...receipt.kept.map((finding) => ({ ...finding, disposition: 'keep' as const })),
  ];
  return (
    <section class="stack-tight">
      <h2>Receipt</h2>
      {rows.length > 0 ? <Buckets findings={rows} verb="were" /> : <div class="empty">Nothing was touched.</div>}
      {receipt.searchAfterwards.length > 0 ? (
        <p class="small muted">
          Searched again <Time at={receipt.searchedAt} zone={zone} />:{' '}
          {receipt.searchAfterwards.reduce((sum, { count }) => sum + count, 0)} records found,{' '}
          {receipt.searchAfterwards.reduce((sum, { expected }) => sum + expected, 0)} were to be kept.
        </p>
      ) : null}
    </section>
  );
}
