/** A form that adds or edits a row of a list: what is typed, and what of it is sent. */
import { computed, ref, shallowRef } from 'vue'
import type { Resource, Versioned } from '../lib/hq/list'
import { changed } from '../lib/hq/places'
import { notify } from './toast'

interface Options<Row, Draft> {
  /** A new row's values. */
  blank: () => Draft
  /** What can be edited of a row, as a copy. */
  from: (row: Row) => Draft
  /** Says that the row could not be read. */
  failed: () => string
}

export function useEditor<Row extends Versioned, Draft extends object>(
  resource: Resource<Row, Draft>,
  { blank, from, failed }: Options<Row, Draft>,
) {
  const open = ref(false)
  const row = shallowRef<Row | null>(null)
  const draft = ref(blank())
  /** An id of one's own for a new row. */
  const id = ref('')
  return {
    open,
    row,
    draft,
    id,
    isNew: computed(() => row.value === null),
    add(): void {
      row.value = null
      draft.value = blank()
      id.value = ''
      open.value = true
    },
    /** Edit the row as it is now, not as the list had it. */
    async edit(which: string): Promise<void> {
      try {
        row.value = await resource.get(which)
      } catch {
        notify(failed())
        return
      }
      draft.value = from(row.value)
      open.value = true
    },
    save(): Promise<unknown> {
      const now = draft.value as Draft
      if (!row.value) return resource.create(id.value ? { ...now, id: id.value } : now)
      const sent = changed(from(row.value), now)
      if (Object.keys(sent).length === 0) return Promise.resolve()
      return resource.update(row.value.id, row.value.version, sent)
    },
  }
}
