/** The room and its products as the host sees them, and what the host pins. */
import { onMounted, onScopeDispose, reactive, shallowRef } from 'vue'
import type { Api } from '../../lib/base/api'
import type { Room } from '../../lib/base/bodies'
import type { Product } from '../../lib/base/wire'
import { notify } from '../../use/toast'
import { useWords } from '../../use/use-words'

/** Wait before a failed request is repeated, ms. */
const RETRY_MS = 3000

export function useShelf(roomId: string, api: Api) {
  const { t } = useWords()
  const info = shallowRef<Room | null>(null)
  const products = shallowRef<Product[]>([])
  /** Products that are being pinned or unpinned. */
  const busy = reactive(new Set<string>())
  let timer = 0

  async function load(): Promise<void> {
    try {
      ;[info.value, products.value] = await Promise.all([api.room(roomId), api.products(roomId)])
    } catch {
      timer = window.setTimeout(() => void load(), RETRY_MS)
    }
  }

  async function change(product: Product, action: () => Promise<unknown>): Promise<void> {
    busy.add(product.id)
    try {
      await action()
    } catch {
      notify(t('host.pin_failed'))
    } finally {
      busy.delete(product.id)
    }
  }

  onMounted(load)
  onScopeDispose(() => clearTimeout(timer))
  return {
    info,
    products,
    busy,
    pin: (product: Product) => change(product, () => api.pin(roomId, product.id)),
    unpin: (product: Product) => change(product, () => api.unpin(roomId, product.id)),
  }
}
