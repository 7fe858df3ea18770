export const zh = {
  products: {
    title: '商品',
    explanation: '全品牌卖什么、多少钱；各小区的价格和供应另有规则。',
    add: '添加商品',
    search: '名称、拼音或编号',
    category: '品类',
    no_category: '没有品类',
    all_categories: '全部品类',
  },
}
