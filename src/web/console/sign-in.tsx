import type { Refusal } from '../../core/refusal.ts';
import type { Organization } from '../../policy/organization.ts';
import { Field, PostForm, RefusalNotice } from '../components/parts.tsx';
import { PortalPage } from '../layout.tsx';

/** Staff sign in. `next`: where they were going. */
export function SignInPage({
  organization,
  next,
  refusal,
  demonstration,
}: {
  readonly organization: Organization;
  readonly next: string;
  readonly refusal: Refusal | null;
  readonly demonstration: boolean;
}) {
  return (
    <PortalPage title="Sign in" organization={organization.name}>
      <h1>Sign in</h1>
      <p>For staff. People who ask about their data need no account.</p>
      {refusal ? <RefusalNotice refusal={refusal} /> : null}
      <PostForm action="/console/sign-in">
        <input type="hidden" name="next" value={next} />
        <Field name="email" label="E-mail address">
          <input id="email" name="email" type="email" autocomplete="username" required />
        </Field>
        <Field name="password" label="Password">
          <input id="password" name="password" type="password" autocomplete="current-password" required />
        </Field>
        <button type="submit">Sign in</button>
      </PostForm>
      {demonstration ? (
        <p class="small muted">In the demonstration the addresses and the password are printed where you started it.</p>
      ) : null}
    </PortalPage>
  );
}

/** Prove again that it is you, before something that matters. */
export function StepUpPage({
  organization,
  next,
  refusal,
}: {
  readonly organization: Organization;
  readonly next: string;
  readonly refusal: Refusal | null;
}) {
  return (
    <PortalPage title="Confirm that it is you" organization={organization.name}>
      <h1>Confirm that it is you</h1>
      <p>
        You are about to approve something that others will rely on. Enter your password again; it counts for five
        minutes.
      </p>
      {refusal ? <RefusalNotice refusal={refusal} /> : null}
      <PostForm action="/console/step-up">
        <input type="hidden" name="next" value={next} />
        <Field name="password" label="Password">
          <input id="password" name="password" type="password" autocomplete="current-password" required />
        </Field>
        <button type="submit">Confirm</button>
      </PostForm>
    </PortalPage>
  );
}

/** An invited person sets their password. */
export function InvitationPage({
  organization,
  name,
  secret,
  refusal,
}: {
  readonly organization: Organization;
  readonly name: string;
  readonly secret: string;
  readonly refusal: Refusal | null;
}) {
  return (
    <PortalPage title="Welcome" organization={organization.name}>
      <h1>Welcome, {name}</h1>
      <p>Choose a password to begin. Twelve characters or more; a few words are fine.</p>
      {refusal ? <RefusalNotice refusal={refusal} /> : null}
      <PostForm action={`/console/invitation/${secret}`}>
        <Field name="password" label="New password">
          <input id="password" name="password" type="password" autocomplete="new-password" minlength={12} required />
        </Field>
        <button type="submit">Set password</button>
      </PostForm>
    </PortalPage>
  );
}
