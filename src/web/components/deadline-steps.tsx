/** The explanation of a deadline, clock by clock, as the engine gives it. */
export interface DeadlineView {
  readonly governing: string | null;
  readonly clocks: readonly {
    readonly rule: string;
    readonly version: string;
    readonly dueOn: string | null;
    readonly steps: readonly { readonly at: string; readonly what: string; readonly citation: string }[];
  }[];
}

/** How the date comes about: a table a person understands. */
export function dueSteps({ governing, clocks }: DeadlineView) {
  return (
    <details>
      <summary>How this date comes about</summary>
      <div class="stack-tight">
        {clocks.map(({ rule, version, dueOn, steps }) => (
          <div>
            <h3>
              {rule} <span class="muted small">version {version}</span>
            </h3>
            <ol class="steps small">
              {steps.map(({ at, what, citation }) => (
                <li>
                  <span class="mono">{at}</span> {what}
                  {citation ? <span class="muted"> ({citation})</span> : null}
                </li>
              ))}
            </ol>
            <p class="small">
              {dueOn ? `Due on ${dueOn}` : 'No date yet'}
              {rule === governing ? ': this one governs, because it is the earliest.' : '.'}
            </p>
          </div>
        ))}
      </div>
    </details>
  );
}
