export const zh = {
  cities: {
    title: '城市',
    explanation: '同一城市的小区，价格和上架商品可以一起定。',
    estates: '小区数',
    add: '新增城市',
  },
}
