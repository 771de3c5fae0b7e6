import type { Refusal } from '../../core/refusal.ts';
import { type Export, exportFormats, exportPurposes } from '../../evidence/export.ts';
import {
  errorFor,
  Facts,
  Field,
  Hash,
  PostForm,
  RefusalNotice,
  State,
  Table,
  Time,
  TwoPeople,
} from '../components/parts.tsx';
import { ConsolePage, type Frame } from '../layout.tsx';
import { ScopeFields } from './holds.tsx';

export function ExportsPage({ frame, exports }: { readonly frame: Frame; readonly exports: readonly Export[] }) {
  return (
    <ConsolePage title="Exports" frame={frame} here="/console/exports">
      <div class="page-head">
        <h1>Exports</h1>
        <a class="button" href="/console/exports/new">
          Prepare an export
        </a>
      </div>
      <Table
        label="Exports"
        rows={exports}
        empty={
          <>
            <p>
              <strong>No export has been made.</strong>
            </p>
            <p>
              An export is collected and rendered by one person, approved by another, sealed, and checked by anyone with
              tools that are not ours.
            </p>
          </>
        }
        columns={[
          {
            head: 'Requested',
            cell: (wanted) => (
              <a href={`/console/exports/${wanted.id}`}>{<Time at={wanted.requestedAt} zone={frame.zone} />}</a>
            ),
          },
          { head: 'Purpose', cell: ({ purpose }) => purpose.replaceAll('_', ' ') },
          { head: 'Matter', cell: (wanted) => wanted.matter.reveal() ?? '' },
          { head: 'State', cell: ({ state }) => <State state={state} /> },
          {
            head: 'Records',
            number: true,
            cell: ({ rendering }) => (rendering ? rendering.counts.included.toLocaleString('en') : ''),
          },
        ]}
      />
    </ConsolePage>
  );
}

export function NewExportPage({
  frame,
  values,
  refusal,
  datasets,
}: {
  readonly frame: Frame;
  readonly values: Readonly<Record<string, string>>;
  readonly refusal: Refusal | null;
  readonly datasets: readonly string[];
}) {
  return (
    <ConsolePage title="Prepare an export" frame={frame} here="/console/exports">
      <p class="crumb">
        <a href="/console/exports">Exports</a>
      </p>
      <h1>Prepare an export</h1>
      <p>
        Where people and conversations are both given, only those people's records in those conversations are taken.
      </p>
      {refusal ? <RefusalNotice refusal={refusal} /> : null}
      <PostForm action="/console/exports/new">
        <input type="hidden" name="demandId" value={values.demandId ?? ''} />
        <Field name="purpose" label="Purpose">
          <select id="purpose" name="purpose">
            {exportPurposes
              .filter((purpose) => purpose !== 'dsar_access' && purpose !== 'portability')
              .map((purpose) => (
                <option value={purpose} selected={values.purpose === purpose}>
                  {purpose.replaceAll('_', ' ')}
                </option>
              ))}
          </select>
        </Field>
        <Field name="matter" label="Matter" error={errorFor(refusal, 'matter')}>
          <input id="matter" name="matter" type="text" maxlength={300} value={values.matter ?? ''} />
        </Field>
        <ScopeFields values={values} refusal={refusal} datasets={datasets} />
        <fieldset>
          <legend>Formats</legend>
          <div class="choices">
            {exportFormats
              .filter((format) => format !== 'loadfile')
              .map((format) => (
                <label class="choice">
                  <input type="checkbox" name={`format-${format}`} value="yes" checked />
                  <span>
                    <strong>{format.toUpperCase()}</strong>
                    <span>
                      {
                        {
                          pdf: 'Paged record with Bates numbers',
                          csv: 'One row a message',
                          ndjson: 'As stored; authoritative',
                          loadfile: '',
                        }[format]
                      }
                    </span>
                  </span>
                </label>
              ))}
          </div>
        </fieldset>
        <Field name="timezone" label="Local times in" hint="An IANA zone. UTC stands beside every local time.">
          <input id="timezone" name="timezone" type="text" value={values.timezone ?? frame.zone} />
        </Field>
        <button type="submit">Collect and render</button>
      </PostForm>
    </ConsolePage>
  );
}

export function ExportPage({
  frame,
  wanted,
  names,
  refusal,
}: {
  readonly frame: Frame;
  readonly wanted: Export;
  readonly names: ReadonlyMap<string, string>;
  readonly refusal: Refusal | null;
}) {
  const nameOf = (id: string) => names.get(id) ?? id;
  const { rendering, progress } = wanted;
  return (
    <ConsolePage title="Export" frame={frame} here="/console/exports">
      <p class="crumb">
        <a href="/console/exports">Exports</a>
      </p>
      <div class="page-head">
        <h1>{wanted.matter.reveal() ?? wanted.purpose.replaceAll('_', ' ')}</h1>
        <State state={wanted.state} />
      </div>
      {refusal ? <RefusalNotice refusal={refusal} /> : null}
      {wanted.refusal ? (
        <div class="notice danger" role="alert">
          <p>
            <strong>{wanted.refusal.detail}</strong>
          </p>
        </div>
      ) : null}
      {wanted.state === 'collecting' || wanted.state === 'sealing' ? (
        <div class="notice" role="status">
          <p>
            <strong>
              {wanted.state === 'sealing'
                ? 'Sealing'
                : progress
                  ? `${progress.doing}: ${progress.done.toLocaleString('en')}${progress.of ? ` of ${progress.of.toLocaleString('en')}` : ''}`
                  : 'Waiting'}
            </strong>
          </p>
          <p>
            It goes on by itself; leaving this page is safe. <a href={`/console/exports/${wanted.id}`}>Look again</a>
          </p>
        </div>
      ) : null}
      <div class="case">
        <div class="stack">
          {rendering ? (
            <div class="cards">
              {(
                [
                  ['records', rendering.counts.included],
                  ['pages', rendering.counts.pages],
                  ['attachments', rendering.counts.attachments],
                  ['redacted', rendering.counts.redacted],
                ] as const
              ).map(([label, count]) => (
                <div class="card">
                  <div class="figure">{count.toLocaleString('en')}</div>
                  <p class="small muted">{label}</p>
                </div>
              ))}
            </div>
          ) : null}
          <section class="card">
            <Facts
              rows={[
                ['Purpose', wanted.purpose.replaceAll('_', ' ')],
                ['Requested', <Time at={wanted.requestedAt} zone={frame.zone} />],
                ['Local times in', wanted.timezone],
                ...(wanted.demandId
                  ? ([['Demand', <a href={`/console/demands/${wanted.demandId}`}>{wanted.demandId}</a>]] as const)
                  : []),
                ...(wanted.requestId
                  ? ([['Request', <a href={`/console/requests/${wanted.requestId}`}>{wanted.requestId}</a>]] as const)
                  : []),
                ...(wanted.packageSha256
                  ? ([['SHA-256 of the package', <span class="hash">{wanted.packageSha256}</span>]] as const)
                  : []),
                ['Policy', <Hash value={wanted.policy} />],
              ]}
            />
          </section>
          <section class="stack-tight">
            <h2>Files</h2>
            <FilesTable files={rendering?.files ?? []} />
          </section>
        </div>
        <aside class="card moves">
          <h2>Two people</h2>
          <TwoPeople preparer={nameOf(wanted.preparer)} approver={wanted.approver ? nameOf(wanted.approver) : null} />
          {wanted.state === 'awaiting_approval' && wanted.requestId === null ? (
            <a class="button" href={`/console/exports/${wanted.id}/approve`}>
              Review the sealing of {rendering?.counts.included.toLocaleString('en')} records
            </a>
          ) : null}
          {wanted.state === 'sealed' ? (
            <>
              <a class="button" href={`/console/exports/${wanted.id}/package`}>
                Download the package
              </a>
              <h2>How to check it</h2>
              <pre>{`npm run -s muniment -- verify EXP-….zip\nunzip EXP-….zip && cd EXP-…\nsha256sum -c manifest-sha256.txt`}</pre>
              <p class="small">
                README-VERIFY.txt inside says the rest, with tools that are not ours. Or use{' '}
                <a href="/verify">the public page</a>.
              </p>
            </>
          ) : null}
        </aside>
      </div>
    </ConsolePage>
  );
}

/** The files of a package with their digests; a long path keeps its two ends. */
export function FilesTable({ files }: { readonly files: NonNullable<Export['rendering']>['files'] }) {
  return (
    <Table
      label="Files"
      rows={files}
      empty="Nothing is rendered yet."
      columns={[
        {
          head: 'File',
          cell: ({ path }) => <code>{path.length > 36 ? `${path.slice(0, 20)}…${path.slice(-14)}` : path}</code>,
        },
        { head: 'Bytes', number: true, cell: ({ bytes }) => bytes.toLocaleString('en') },
        { head: 'SHA-256', cell: ({ sha256 }) => <Hash value={sha256} /> },
      ]}
    />
  );
}
