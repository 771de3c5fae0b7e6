import type { Custodian } from '../../disposition/custodian.ts';
import type { Hold } from '../../disposition/hold.ts';
import type { Organization } from '../../policy/organization.ts';
import { PostForm } from '../components/parts.tsx';
import { PortalPage } from '../layout.tsx';

/** A custodian followed the link of their letter. */
export function CustodianLink({
  organization,
  hold,
  custodian,
  secret,
}: {
  readonly organization: Organization;
  readonly hold: Hold;
  readonly custodian: Custodian;
  readonly secret: string;
}) {
  const instructions = custodian.instructions.reveal();
  return (
    <PortalPage title="Please keep what you have" organization={organization.name}>
      <h1>Please keep what you have</h1>
      <p>
        {organization.name} has to keep what concerns the matter <strong>{hold.matter.reveal()}</strong>, and you may
        have some of it. Do not delete, change or throw away anything you have about it, and switch off whatever deletes
        by itself. What you keep stays where it is.
      </p>
      {instructions ? (
        <section class="card">
          <h2>What this is about in particular</h2>
          <p class="as-written">{instructions}</p>
        </section>
      ) : null}
      <PostForm action={`/custodian/${secret}`}>
        <button type="submit">I have read this, and keep what I have</button>
      </PostForm>
      <p class="small muted">
        Questions? {organization.legal.name}, {organization.legal.email}. This holds until we tell you that it is over.
      </p>
    </PortalPage>
  );
}

export function CustodianThanks({ organization }: { readonly organization: Organization }) {
  return (
    <PortalPage title="Thank you" organization={organization.name}>
      <h1>Thank you</h1>
      <p>
        We have noted that you keep what you have. You need not do anything else; we write to you when it is over. The
        link in our letter opens nothing any more.
      </p>
      <p class="small muted">
        Questions? {organization.legal.name}, {organization.legal.email}.
      </p>
    </PortalPage>
  );
}
