export const zh = {
  assortment: {
    title: '供应范围',
    explanation: '在售商品默认处处供应；这里写明哪些城市、小区不供应，或又供应。',
    add: '添加规则',
  },
}
