/** The stock of a store: listed, changed, and listed again while it is shown. */
import { onMounted, onScopeDispose, ref, shallowRef } from 'vue'
import { Refused, type Api } from '../../lib/base/api'
import { randomKey } from '../../lib/base/keys'
import { type Checked, type StockList, type StockRow, withRow } from '../../lib/shop/stock'
import type { Transfer } from '../../lib/shop/store-desk'
import { notify } from '../../use/toast'
import { useWords } from '../../use/use-words'

/** Orders and tills change the stock, too, ms. */
const REFRESH_MS = 15_000

export function useStock(storeId: string, api: Api) {
  const { t } = useWords()
  const list = shallowRef<StockList | null>(null)
  /** What is on its way to this store. */
  const coming = shallowRef<Transfer[]>([])
  const failed = ref(false)
  const busy = ref(false)
  /** A retry of the same request has the same key, so that it counts once. */
  let attempt = { request: '', key: '' }
  const path = `/api/stores/${encodeURIComponent(storeId)}/stock`

  async function refresh(): Promise<void> {
    try {
      list.value = await api.get<StockList>(path)
      const { transfers } = await api.get<{ transfers: Transfer[] }>(`${path}/transfers`)
      coming.value = transfers.filter((one) => one.to_store_id === storeId && one.received_at_ms === null)
      failed.value = false
    } catch {
      failed.value = true
    }
  }

  /** Send a form; whether it was done. */
  async function send(form: Exclude<Checked, { wrong: unknown }>): Promise<boolean> {
    const request = JSON.stringify(form)
    if (attempt.request !== request) attempt = { request, key: randomKey() }
    busy.value = true
    try {
      const headers = { 'Idempotency-Key': attempt.key }
      const changed = await api.send<StockRow | Transfer>('POST', `${path}/${form.path}`, form.body, headers)
      attempt = { request: '', key: '' }
      if ('lots' in changed && list.value)
        list.value = { ...list.value, products: withRow(list.value.products, changed) }
      else await refresh()
      notify(t('stock.done'))
      return true
    } catch (error) {
      const few = error instanceof Refused && error.kind === 'not-enough-units'
      notify(few ? t('stock.too_many', { left: Number(error.extra.left) }) : t('stock.failed'), 4000)
      return false
    } finally {
      busy.value = false
    }
  }

  /** Ask another price in this store, or with null that of the head office; whether it was done. */
  async function setPrice(productId: string, price_fen: number | null): Promise<boolean> {
    const where = `/api/stores/${encodeURIComponent(storeId)}/prices/${encodeURIComponent(productId)}`
    busy.value = true
    try {
      if (price_fen === null) await api.send('DELETE', where)
      else await api.send('PUT', where, { price_fen })
      await refresh()
      notify(t('stock.done'))
      return true
    } catch (error) {
      const refused = error instanceof Refused && error.status === 422
      if (refused) await refresh()
      notify(t(refused ? 'stock.price_refused' : 'stock.failed'), 4000)
      return false
    } finally {
      busy.value = false
    }
  }

  /** The product that a barcode stands for, null for none. */
  async function lookUp(code: string): Promise<string | null> {
    try {
      const path = `/api/stores/${encodeURIComponent(storeId)}/barcodes/${encodeURIComponent(code)}`
      return (await api.get<{ product_id: string }>(path)).product_id
    } catch (error) {
      notify(t(error instanceof Refused ? 'stock.no_such_code' : 'stock.failed'), 4000)
      return null
    }
  }

  async function arrive(transfer: Transfer, units: number): Promise<void> {
    busy.value = true
    try {
      await api.send('POST', `${path}/transfers/${encodeURIComponent(transfer.id)}/arrival`, { units })
      await refresh()
      notify(t('stock.done'))
    } catch {
      notify(t('stock.failed'), 4000)
    } finally {
      busy.value = false
    }
  }

  const timer = window.setInterval(() => document.hidden || void refresh(), REFRESH_MS)
  onMounted(() => void refresh())
  onScopeDispose(() => clearInterval(timer))
  return { list, coming, failed, busy, send, setPrice, lookUp, arrive }
}
