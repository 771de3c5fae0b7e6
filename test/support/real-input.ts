import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Sql } from 'postgres';

/** The data map of Chinook, a shop for music: invoices, and the lines that hang on them. */
export const chinookSources = `sources:
  shop:
    kind: postgres
    url: \${SHOP_DATABASE_URL}
    datasets:
      employees:
        table: public."Employee"
        key: [EmployeeId]
        identifiers: { email: Email, phone: Phone }
        links:
          ReportsTo: { to: employees.EmployeeId }
        onDispose: { employees: restrict, customers: restrict }
      customers:
        table: public."Customer"
        key: [CustomerId]
        identifiers: { email: Email, phone: Phone }
        links:
          SupportRepId: { to: employees.EmployeeId }
        fields:
          FirstName: { category: identity.name, mask: fixed }
          LastName: { category: identity.name, mask: fixed }
        onDispose: { invoices: restrict }
      invoices:
        table: public."Invoice"
        key: [InvoiceId]
        time: InvoiceDate
        links:
          CustomerId: { to: customers.CustomerId, owner: true }
        fields:
          BillingAddress: { category: contact.address }
          BillingCity: { category: contact.address }
          BillingState: { category: contact.address }
          BillingCountry: { category: contact.address }
          BillingPostalCode: { category: contact.address }
          Total: { category: financial.purchase }
        onDispose: { lines: cascade }
      lines:
        table: public."InvoiceLine"
        key: [InvoiceLineId]
        links:
          InvoiceId: { to: invoices.InvoiceId }
        fields:
          UnitPrice: { category: financial.purchase }
          Quantity: { category: financial.purchase }
    exempt:
      public.Album: The catalogue; no personal data.
      public.Artist: The catalogue; no personal data.
      public.Genre: The catalogue; no personal data.
      public.MediaType: The catalogue; no personal data.
      public.Playlist: The catalogue; no personal data.
      public.PlaylistTrack: The catalogue; no personal data.
      public.Track: The catalogue; no personal data.
`;

export const chinookRetention = `rules:
  invoices:
    datasets: [shop.invoices]
    keep: P3Y
    dispose: destroy
    schedule: "15 2 * * *"
    authority: Seven years would be the law; three are enough for a test.
`;

/** The data map of the cookie house, whose tables join without a single foreign key. */
export const cookieSources = `sources:
  cookies:
    kind: postgres
    url: \${COOKIE_DATABASE_URL}
    datasets:
      customers:
        table: public.customer
        key: [id]
        identifiers: { email: email }
        links:
          address_id: { to: addresses.id, owns: true }
        fields:
          name: { category: identity.name, mask: fixed }
          email: { category: contact.email, mask: "null" }
          created: { category: account.metadata }
        # Another customer's order may still need a card of theirs: the account stays as an empty shell.
        erase: mask
        eraseGround: OTHERS_RIGHTS
        onDispose: { orders: cascade, cards: cascade, logins: cascade, composites: cascade }
      employees:
        table: public.employee
        key: [id]
        identifiers: { email: email }
        links:
          address_id: { to: addresses.id, owns: true }
        fields:
          name: { category: identity.name }
        onDispose: { service_requests: unlink }
      addresses:
        table: public.address
        key: [id]
        fields:
          street: { category: contact.address }
          house: { category: contact.address }
          city: { category: contact.address }
          state: { category: contact.address }
          zip: { category: contact.address }
        onDispose: { customers: restrict, employees: restrict, cards: restrict, orders: restrict }
      cards:
        table: public.payment_card
        key: [id]
        links:
          customer_id: { to: customers.id, owner: true }
          billing_address_id: { to: addresses.id }
        fields:
          ccn: { category: financial.card }
          code: { category: financial.card }
          name: { category: financial.card }
          preferred: { category: financial.card }
        onDispose: { orders: restrict }
      orders:
        table: public.orders
        key: [id]
        links:
          customer_id: { to: customers.id, owner: true }
          shipping_address_id: { to: addresses.id }
          payment_card_id: { to: cards.id }
        onDispose: { order_items: cascade }
      order_items:
        table: public.order_item
        key: [order_id, item_no]
        links:
          order_id: { to: orders.id }
        fields:
          quantity: { category: financial.purchase }
          product_id: { category: financial.purchase }
      visits:
        table: public.visit
        key: [email, last_visit]
        identifiers: { email: email }
      logins:
        table: public.login
        key: [id]
        time: time
        links:
          customer_id: { to: customers.id, owner: true }
      service_requests:
        table: public.service_request
        key: [id]
        identifiers: { email: email, alt_email: alt_email }
        links:
          employee_id: { to: employees.id }
        fields:
          opened: { category: support.metadata }
          closed: { category: support.metadata }
      reports:
        table: public.report
        key: [id]
        identifiers: { email: email }
        fields:
          name: { category: support.content }
          total_visits: { category: support.content }
      composites:
        table: public.composite_pk_test
        key: [id_a, id_b]
        links:
          customer_id: { to: customers.id, owner: true }
        fields:
          description: { category: support.content }
    exempt:
      public.product: The catalogue; no personal data.
      public.type_link_test: Joins by a name only; test data of its authors.
      public.loyalty: Joined by a name only, which identifies nobody; looked at by hand.
      public.dynamic_email_address_config: Settings of vendors.
      backup_schema.product: An old copy, reported to its owner.
      backup_schema.address: An old copy, reported to its owner.
      backup_schema.customer: An old copy, reported to its owner.
      backup_schema.employee: An old copy, reported to its owner.
      backup_schema.payment_card: An old copy, reported to its owner.
      backup_schema.orders: An old copy, reported to its owner.
      backup_schema.order_item: An old copy, reported to its owner.
      backup_schema.visit: An old copy, reported to its owner.
      backup_schema.login: An old copy, reported to its owner.
      backup_schema.service_request: An old copy, reported to its owner.
      backup_schema.report: An old copy, reported to its owner.
      backup_schema.composite_pk_test: An old copy, reported to its owner.
      backup_schema.type_link_test: An old copy, reported to its owner.
`;

export const cookieRetention = `rules:
  logins:
    datasets: [cookies.logins]
    keep: P18M
    dispose: destroy
    schedule: "15 2 * * *"
    authority: Security policy.
`;

/** Load a plain pg_dump: statements as they are, and each `COPY … FROM stdin` block through COPY. */
export async function loadDump(sql: Sql, dump: string): Promise<void> {
  const reserved = await sql.reserve();
  try {
    for (const part of dump.split(/^(?=COPY )/m)) {
      const match = /^(COPY [^\n]* FROM stdin;)\n([\s\S]*?)^\\\.\n([\s\S]*)$/m.exec(part);
      if (!match) {
        await reserved.unsafe(withoutCommands(part));
        continue;
      }
      const [, statement = '', rows = '', rest = ''] = match;
      const writable = await reserved.unsafe(statement.replace(/;$/, '')).writable();
      await pipeline(Readable.from([rows]), writable);
      if (rest.trim() !== '') await reserved.unsafe(withoutCommands(rest));
    }
    await reserved.unsafe(`SELECT pg_catalog.set_config('search_path', 'public', false)`);
  } finally {
    reserved.release();
  }
}

function withoutCommands(text: string): string {
  return text
    .replace(/^\\.*$/gm, '')
    .replace(/^ALTER .* OWNER TO .*$/gm, '')
    .replace(/^SET (transaction_timeout|default_table_access_method).*$/gm, '');
}
