/** The audit trail: entries, what they are about in words, and what an entry changed. */
import type { AtMs, LocalText } from '../base/wire'

export interface AuditEntry {
  n: number
  at_ms: AtMs
  actor: string
  action: string
  subject: string
  before: Record<string, unknown> | null
  after: Record<string, unknown> | null
  hash: string
}
export interface AuditPage {
  entries: AuditEntry[]
  /** Older entries are below this number; null at the end. */
  next: number | null
}
export interface AuditChain {
  entries: number
  /** The first entry at which the chain does not hold, 0 for none. */
  broken: number
  actors: string[]
  actions: string[]
}
export interface AuditFilter {
  actor: string
  action: string
  subject: string
  /** Days, `2026-07-01`; the last one is included. */
  from: string
  until: string
}
export interface Change {
  name: string
  before: string
  after: string
}

const DAY_MS = 86_400_000
const SUBJECTS: Record<string, LocalText> = {
  barcode: { zh: '条码', en: 'Barcode' },
  books: { zh: '账簿', en: 'Books' },
  brand: { zh: '品牌设置', en: 'Brand' },
  category: { zh: '品类', en: 'Category' },
  city: { zh: '城市', en: 'City' },
  claim: { zh: '售后', en: 'Claim' },
  dwelling: { zh: '住址', en: 'Dwelling' },
  estate: { zh: '小区', en: 'Estate' },
  list: { zh: '导入', en: 'Import' },
  order: { zh: '订单', en: 'Order' },
  pin: { zh: '商品卡', en: 'Card' },
  'own-price': { zh: '门店价', en: 'Store price' },
  'price-rule': { zh: '价格', en: 'Price' },
  'assortment-rule': { zh: '上架', en: 'Assortment' },
  product: { zh: '商品', en: 'Product' },
  rating: { zh: '评价', en: 'Rating' },
  refund: { zh: '退款', en: 'Refund' },
  set: { zh: '套餐', en: 'Set meal' },
  staff: { zh: '员工', en: 'Staff' },
  stock: { zh: '库存', en: 'Stock' },
  store: { zh: '门店', en: 'Store' },
  'stream-key': { zh: '推流密钥', en: 'Stream key' },
  till: { zh: '收银机', en: 'Till' },
  warehouse: { zh: '仓库', en: 'Warehouse' },
}
const VERBS: Record<string, LocalText> = {
  add: { zh: '新增', en: 'added' },
  close: { zh: '关账', en: 'closed' },
  moderate: { zh: '审核', en: 'moderated' },
  retry: { zh: '重发', en: 'sent again' },
  assign: { zh: '绑定', en: 'assigned' },
  count: { zh: '盘点', en: 'counted' },
  decide: { zh: '审核', en: 'decided' },
  delete: { zh: '取消', en: 'removed' },
  edit: { zh: '修改', en: 'edited' },
  'hand-over': { zh: '交货', en: 'handed over' },
  import: { zh: '写入', en: 'written' },
  invite: { zh: '邀请', en: 'invited' },
  link: { zh: '发链接', en: 'given a link' },
  load: { zh: '由店铺文件更新', en: 'loaded from the shop file' },
  'log-out': { zh: '全部退出', en: 'logged out everywhere' },
  move: { zh: '流转', en: 'moved' },
  password: { zh: '改密码', en: 'changed the password' },
  put: { zh: '上墙', en: 'pinned' },
  receive: { zh: '收货', en: 'received' },
  remove: { zh: '删除', en: 'removed' },
  renew: { zh: '更换', en: 'renewed' },
  'renew-key': { zh: '更换密钥', en: 'given a new key' },
  revoke: { zh: '作废', en: 'revoked' },
  'revoke-key': { zh: '密钥作废', en: 'without its key' },
  totp: { zh: '两步验证', en: 'changed the second factor' },
  'write-off': { zh: '报损', en: 'written off' },
}

/** An action in words, or as it is when it has none. */
export function actionText(action: string): LocalText {
  const [subject = '', verb = ''] = action.split('.')
  const [what, done] = [SUBJECTS[subject], VERBS[verb]]
  if (!what || !done) return { zh: action, en: action }
  return { zh: `${what.zh} · ${done.zh}`, en: `${what.en} ${done.en}` }
}

/** What an entry changed, by the names of the columns. */
export function changesOf({ before, after }: Pick<AuditEntry, 'before' | 'after'>): Change[] {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])].sort()
  return names
    .map((name) => ({ name, before: shown(before?.[name]), after: shown(after?.[name]) }))
    .filter((change) => change.before !== change.after)
}
function shown(value: unknown): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** The query string of a filter. `startOf` gives the first moment of a day where the reader is. */
export function auditQuery(filter: AuditFilter, startOf: (day: string) => AtMs, below?: number): string {
  const params = new URLSearchParams()
  for (const name of ['actor', 'action', 'subject'] as const) {
    const value = filter[name].trim()
    if (value) params.set(name, value)
  }
  if (filter.from) params.set('from_ms', String(startOf(filter.from)))
  if (filter.until) params.set('until_ms', String(startOf(filter.until) + DAY_MS))
  if (below !== undefined) params.set('before', String(below))
  const text = params.toString()
  return text ? `?${text}` : ''
}
