/** A list that the server searches, sorts and pages: the newest question's answer is what is shown. */
import { computed, onMounted, onScopeDispose, reactive, ref, shallowRef, watch } from 'vue'
import { FIRST_PAGE, type ListPage, type ListQuery, nextSort, pagesOf } from '../lib/hq/list'

/** A pause in typing after which the search begins, ms. */
const TYPING_PAUSE_MS = 250

export function useList<Row>(
  load: (query: ListQuery) => Promise<ListPage<Row>>,
  start: Partial<ListQuery> = {},
) {
  const query = reactive<ListQuery>({ ...FIRST_PAGE, filters: {}, ...start })
  const rows = shallowRef<Row[]>([])
  const total = ref(0)
  const state = ref<'loading' | 'ready' | 'failed'>('loading')
  let asked = 0
  let timer = 0

  async function reload(): Promise<void> {
    clearTimeout(timer)
    const mine = ++asked
    state.value = 'loading'
    try {
      const page = await load({ ...query, filters: { ...query.filters } })
      if (mine !== asked) return
      rows.value = page.rows
      total.value = page.total
      state.value = 'ready'
      const last = pagesOf(page.total, query.per_page)
      if (query.page > last) query.page = last
    } catch {
      if (mine === asked) state.value = 'failed'
    }
  }
  watch(
    () => query.q,
    () => {
      query.page = 1
      clearTimeout(timer)
      timer = window.setTimeout(() => void reload(), TYPING_PAUSE_MS)
    },
  )
  watch(
    () => [query.sort, query.per_page, JSON.stringify(query.filters)],
    () => {
      query.page = 1
      void reload()
    },
  )
  watch(
    () => query.page,
    () => void reload(),
  )
  onMounted(() => void reload())
  onScopeDispose(() => clearTimeout(timer))
  return {
    query,
    rows,
    total,
    state,
    reload,
    pages: computed(() => pagesOf(total.value, query.per_page)),
    sortBy(key: string): void {
      query.sort = nextSort(query.sort, key)
    },
  }
}
