export const zh = {
  categories: {
    title: '品类',
    explanation: '商品归在哪一类；最多三层，共 200 个。',
    add: '添加品类',
    parent: '上级品类',
    top: '没有上级（第一层）',
    rank: '同级排序（小的在前）',
    products: '商品数',
    delete: '删除',
    delete_of: '删除品类{name}',
    delete_sure: '删除品类“{name}”？',
    in_use: '还有商品或下级品类在里面，先移走再删。',
    bad_parent: '上级不能是自己或自己的下级，最多三层。',
  },
}
