/** The whole tree of the brand's categories, for fields that choose one. */
import { onMounted, shallowRef } from 'vue'
import type { Api } from '../lib/base/api'
import type { Category } from '../lib/hq/goods'
import { FIRST_PAGE, Resource } from '../lib/hq/list'

/** A brand has no more. */
const CATEGORIES_MAX = 200

export function useCategories(api: Api) {
  const categories = shallowRef<Category[]>([])
  async function load(): Promise<void> {
    try {
      const resource = new Resource<Category, never>(api, '/api/hq/categories')
      categories.value = (await resource.list({ ...FIRST_PAGE, per_page: CATEGORIES_MAX })).rows
    } catch {
      // The field offers no choice then; what is chosen stays.
    }
  }
  onMounted(load)
  return { categories, load }
}
