export const zh = {
  commission: {
    title: '团长佣金',
    explanation: '按邻居实际留下的金额计提。商品的比例优先于团长的，团长的优先于小区的；已经计提的不变。',
    add: '设置比例',
    estate: '小区',
    leader: '团长',
    product: '商品',
    all: '全部',
    rate: '比例（%）',
    remove: '取消',
    remove_sure: '取消这个比例吗？已经计提的不变。',
    none: '还没有设置比例，团长没有佣金。',
    efficiency: '近 30 天服务的家庭',
    served: '{households} 户 · {orders} 单',
    average: '平均每位团长 {n} 户',
  },
}
