import { raw } from 'hono/html';
import type { Child } from 'hono/jsx';
import { renderSVG } from 'uqr';
import type { Refusal } from '../../core/refusal.ts';
import type { Organization } from '../../policy/organization.ts';
import { passkeyScript } from '../assets.ts';
import { Field, PostForm, RefusalNotice } from '../components/parts.tsx';
import { PortalPage } from '../layout.tsx';

/** What every page before the console knows. */
interface Door {
  readonly organization: Organization;
  readonly refusal: Refusal | null;
  /** Where they were going. */
  readonly next: string;
}

function DoorPage({
  title,
  door,
  children,
}: {
  readonly title: string;
  readonly door: Door;
  readonly children: Child;
}) {
  return (
    <PortalPage title={title} organization={door.organization.name}>
      <h1>{title}</h1>
      {door.refusal ? <RefusalNotice refusal={door.refusal} /> : null}
      {children}
    </PortalPage>
  );
}

/** Staff sign in: by password and then a second factor, or by a passkey alone. */
export function SignInPage({
  door,
  demonstration,
  company,
}: {
  readonly door: Door;
  readonly demonstration: boolean;
  /** What the company's sign-in is called; null: there is none. */
  readonly company: string | null;
}) {
  return (
    <DoorPage title="Sign in" door={door}>
      <p>For staff. People who ask about their data need no account.</p>
      <PostForm action="/console/sign-in">
        <input type="hidden" name="next" value={door.next} />
        <Field name="email" label="E-mail address">
          <input id="email" name="email" type="email" autocomplete="username" required />
        </Field>
        <Field name="password" label="Password">
          <input id="password" name="password" type="password" autocomplete="current-password" required />
        </Field>
        <button type="submit">Sign in</button>
      </PostForm>
      <PostForm action="/console/sign-in/passkey">
        <input type="hidden" name="next" value={door.next} />
        <button type="submit" class="secondary">
          Sign in with a passkey
        </button>
      </PostForm>
      {company === null ? null : (
        <PostForm action="/console/sign-in/company">
          <input type="hidden" name="next" value={door.next} />
          <button type="submit" class="secondary">
            Sign in with {company}
          </button>
        </PostForm>
      )}
      {demonstration ? (
        <p class="small muted">In the demonstration the addresses and the password are printed where you started it.</p>
      ) : null}
    </DoorPage>
  );
}

/** The form that makes or uses a passkey: the browser is asked with `options`, its answer goes to `action`. */
export function PasskeyForm({
  action,
  kind,
  options,
  next,
  label,
  children,
}: {
  readonly action: string;
  readonly kind: 'create' | 'get';
  readonly options: string;
  readonly next: string;
  readonly label: string;
  readonly children?: Child;
}) {
  return (
    <>
      <form method="post" action={action} class="stack" data-passkey={kind} data-options={options}>
        <input type="hidden" name="next" value={next} />
        <input type="hidden" name="credential" value="" />
        {children}
        <button type="button">{label}</button>
        <p role="status" class="small muted" />
      </form>
      <script src={passkeyScript} type="module" />
    </>
  );
}

/** Sign in with a passkey and nothing else. */
export function PasskeySignInPage({ door, options }: { readonly door: Door; readonly options: string }) {
  return (
    <DoorPage title="Sign in with a passkey" door={door}>
      <p>Your browser will ask for your fingerprint, face or PIN. Nothing of those leaves your device.</p>
      <PasskeyForm
        action="/console/sign-in/passkey/use"
        kind="get"
        options={options}
        next={door.next}
        label="Use a passkey"
      />
      <p>
        <a href="/console/sign-in">Use your password instead</a>
      </p>
    </DoorPage>
  );
}

/** A code of the app, where the demonstration says what it would be. */
function CodeForm({
  action,
  next,
  label,
  demonstrationCode,
}: {
  readonly action: string;
  readonly next: string;
  readonly label: string;
  readonly demonstrationCode: string | null;
}) {
  return (
    <PostForm action={action}>
      <input type="hidden" name="next" value={next} />
      <input type="hidden" name="way" value="app" />
      <Field name="code" label="Six-digit code" hint="From your authenticator app. Each code works once.">
        <input
          id="code"
          type="text"
          name="code"
          inputmode="numeric"
          pattern="[0-9 ]{6,7}"
          autocomplete="one-time-code"
          required
          class="code-input"
        />
      </Field>
      {demonstrationCode ? (
        <p class="small">
          In the demonstration nobody has this telephone. The app would show{' '}
          <strong class="mono">{demonstrationCode}</strong>; reload for the next one.
        </p>
      ) : null}
      <button type="submit">{label}</button>
    </PostForm>
  );
}

interface FactorWays {
  readonly app: boolean;
  /** What a browser needs to use one of the person's passkeys; null where they have none. */
  readonly passkeyOptions: string | null;
  readonly demonstrationCode: string | null;
}

/** The second step of signing in. */
export function SecondFactorPage({
  door,
  name,
  ways,
}: {
  readonly door: Door;
  readonly name: string;
  readonly ways: FactorWays;
}) {
  return (
    <DoorPage title="One more step" door={door}>
      <p>Hello {name}. Confirm with your second factor that it is you.</p>
      {ways.passkeyOptions === null ? null : (
        <PasskeyForm
          action="/console/second-factor/passkey"
          kind="get"
          options={ways.passkeyOptions}
          next={door.next}
          label="Use your passkey"
        />
      )}
      {ways.app ? (
        <>
          <CodeForm
            action="/console/second-factor"
            next={door.next}
            label="Continue"
            demonstrationCode={ways.demonstrationCode}
          />
          <details>
            <summary>Use a recovery code</summary>
            <PostForm action="/console/second-factor">
              <input type="hidden" name="next" value={door.next} />
              <input type="hidden" name="way" value="recovery" />
              <Field name="recovery" label="Recovery code" hint="One of those you were shown when you set up the app.">
                <input id="recovery" type="text" name="code" autocomplete="off" required />
              </Field>
              <button type="submit" class="secondary">
                Use it up
              </button>
            </PostForm>
          </details>
        </>
      ) : null}
      <p class="small muted">Lost both? An administrator can take your second factor away, and you set up a new one.</p>
      <hr />
      <SignOut />
    </DoorPage>
  );
}

function SignOut() {
  return (
    <form method="post" action="/console/sign-out" class="stack">
      <button type="submit" class="secondary">
        Sign out
      </button>
    </form>
  );
}

/** Whoever has no second factor yet sets one up before anything else. */
export function SetUpFactorPage({
  door,
  name,
  passkeyOptions,
  hasPassword,
}: {
  readonly door: Door;
  readonly name: string;
  readonly passkeyOptions: string;
  /** Whoever only signs in with the company's provider has none, and is not asked for it. */
  readonly hasPassword: boolean;
}) {
  return (
    <DoorPage title="Set up a second factor" door={door}>
      <p>
        Hello {name}. What you can do here reaches into people's lives, so signing in with a password or your company
        alone opens nothing. Choose one of two ways; you can add the other later.
      </p>
      <section class="card stack">
        <h2>A passkey</h2>
        <p>
          Your device or security key asks for your fingerprint, face or PIN. Quickest, and it cannot be given to a
          false page.
        </p>
        <PasskeyForm
          action="/console/second-factor/set-up/passkey"
          kind="create"
          options={passkeyOptions}
          next={door.next}
          label="Make a passkey"
        >
          <Field name="name" label="A name for it" hint="Such as “work laptop”, so that you know it in a list.">
            <input id="name" type="text" name="name" maxlength={60} />
          </Field>
        </PasskeyForm>
      </section>
      <section class="card stack">
        <h2>An authenticator app</h2>
        <p>An app on your telephone shows a new code every 30 seconds.</p>
        <PostForm action="/console/second-factor/set-up">
          <input type="hidden" name="next" value={door.next} />
          {hasPassword ? (
            <Field name="password" label="Your password once more">
              <input id="password" name="password" type="password" autocomplete="current-password" required />
            </Field>
          ) : null}
          <button type="submit">Set up an app</button>
        </PostForm>
      </section>
      <hr />
      <SignOut />
    </DoorPage>
  );
}

/** Scan, then prove that it worked. */
export function ScanPage({
  door,
  uri,
  secret,
  action,
}: {
  readonly door: Door;
  readonly uri: string;
  readonly secret: string;
  readonly action: string;
}) {
  return (
    <DoorPage title="Scan this with your app" door={door}>
      <p>Open your authenticator app, add an account, and scan the picture.</p>
      <div class="qr" role="img" aria-label="QR code for the authenticator app; the same secret stands below as text">
        {raw(renderSVG(uri, { border: 2 }))}
      </div>
      <details>
        <summary>You cannot scan it?</summary>
        <p>
          Type this secret into the app (time-based, six digits, 30 seconds): <code class="secret">{secret}</code>
        </p>
      </details>
      <CodeForm action={action} next={door.next} label="Finish" demonstrationCode={null} />
    </DoorPage>
  );
}

/** Shown once: how to get in without the telephone. */
export function RecoveryCodesPage({ door, codes }: { readonly door: Door; readonly codes: readonly string[] }) {
  return (
    <DoorPage title="Keep these recovery codes" door={door}>
      <p>
        Each gets you in once if you lose your telephone. Print them or put them into your password store now: they are
        not shown again.
      </p>
      <ul class="codes">
        {codes.map((code) => (
          <li>
            <code>{code}</code>
          </li>
        ))}
      </ul>
      <p>
        <a class="button" href={door.next}>
          I have kept them
        </a>
      </p>
    </DoorPage>
  );
}

/** Prove again that it is you, before something that matters. */
export function StepUpPage({ door, ways }: { readonly door: Door; readonly ways: FactorWays }) {
  return (
    <DoorPage title="Confirm that it is you" door={door}>
      <p>
        What you are about to do is something that others rely on. Confirm with your second factor; it counts for five
        minutes.
      </p>
      {ways.passkeyOptions === null ? null : (
        <PasskeyForm
          action="/console/step-up/passkey"
          kind="get"
          options={ways.passkeyOptions}
          next={door.next}
          label="Use your passkey"
        />
      )}
      {ways.app ? (
        <CodeForm
          action="/console/step-up"
          next={door.next}
          label="Confirm"
          demonstrationCode={ways.demonstrationCode}
        />
      ) : null}
    </DoorPage>
  );
}

/** An invited person sets their password. */
export function InvitationPage({
  door,
  name,
  secret,
}: {
  readonly door: Door;
  readonly name: string;
  readonly secret: string;
}) {
  return (
    <DoorPage title={name === '' ? 'Welcome' : `Welcome, ${name}`} door={door}>
      <p>
        Choose a password to begin. Twelve characters or more; a few words are fine. Then you set up a second factor.
      </p>
      <PostForm action={`/console/invitation/${secret}`}>
        <Field name="password" label="New password">
          <input id="password" name="password" type="password" autocomplete="new-password" minlength={12} required />
        </Field>
        <button type="submit">Set password</button>
      </PostForm>
    </DoorPage>
  );
}
