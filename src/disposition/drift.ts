/** One thing wrong between the data map and a source. */
export interface Drift {
  readonly source: string;
  readonly subject: string;
  readonly code:
    | 'unreachable'
    | 'table_missing'
    | 'table_unmapped'
    | 'column_missing'
    | 'key_not_unique'
    | 'reference_undeclared'
    | 'time_not_a_time'
    | 'value_unusable'
    | 'mask_unusable'
    | 'folder_missing'
    | 'file_unmatched'
    | 'file_left'
    | 'backup_faulty'
    | 'time_unreadable'
    | 'holds_not_enforced'
    | 'cannot_write';
  readonly detail: string;
  /** A warning leaves purges running; drift stops them. */
  readonly level: 'drift' | 'warning';
}
