/** Things of the wire, with what a test says different. */
import type { Card, Group, Order, Product, StoreOrder } from '../../src/lib/base/wire'

export const product = (more: Partial<Product> = {}): Product => ({
  id: 'spinach',
  name: { zh: '有机菠菜', en: 'Organic spinach' },
  unit: { zh: '袋', en: 'bag' },
  image: '/goods/spinach.svg',
  price_fen: 1290,
  list_price_fen: 1580,
  left: 100,
  group: { price_fen: 990, target: 30, duration_s: 600 },
  ...more,
})
export const card = (more: Partial<Product> = {}): Card => ({
  product: product(more),
  pinned_at_ms: 1,
  media_time: null,
})
export const group = (more: Partial<Group> = {}): Group => ({
  id: 'g1',
  product_id: 'spinach',
  estate_id: 'e1',
  joined: 25,
  target: 30,
  price_fen: 990,
  state: 'open',
  ends_at_ms: 10_000,
  ...more,
})
export const order = (more: Partial<Order> = {}): Order => ({
  id: 'o1',
  number: 'A-1',
  state: 'waiting_group',
  product_id: 'spinach',
  name: { zh: '有机菠菜', en: 'Organic spinach' },
  image: '/goods/spinach.svg',
  quantity: 1,
  total_fen: 990,
  group_id: 'g1',
  estate_id: 'e1',
  store: { id: 's1', name: { zh: '店', en: 'Shop' }, address: { zh: '一号院', en: 'Court One' } },
  created_at_ms: 1,
  due_at_ms: null,
  pickup: null,
  refunded_fen: 0,
  group: null,
  ...more,
})
export const storeOrder = (more: Partial<StoreOrder> = {}): StoreOrder => ({
  ...order({ state: 'new' }),
  buyer: { nickname: '李阿姨', estate_name: { zh: '锦绣花园', en: 'Garden' } },
  handed_over_at_ms: null,
  ...more,
})
