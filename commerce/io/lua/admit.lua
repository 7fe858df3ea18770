-- Admits one tap. Its rule in Python, and its oracle in tests, is commerce/gate.py.
--
-- KEYS  1 epoch  2 idem:{order}  3 orders (stream)  4 products  5 open  6 group:{group}
--       7 seats:{group}  8 bought:{guest}:{product}  9 available  10 held  11 holds  12 hold
-- ARGV  1 now  2 order  3 body hash  4 guest  5 estate  6 room  7 product  8 quantity  9 group
--       10 explicit (1, 0)  11 expected price or ''  12 hold ms  13 idempotency ms
--       14 limit window ms  15 backlog max  16 seats kept ms  17 origin  18… candidate stores, best first
-- Gives {status, a, b, c}.

if redis.call('EXISTS', KEYS[1]) == 0 then return {'not-ready'} end

local now, order, body, guest = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4]
local product, quantity, group = ARGV[7], tonumber(ARGV[8]), ARGV[9]
local explicit = ARGV[10] == '1'

local known = redis.call('GET', KEYS[2])
if known then
  local known_body, refusal, left = string.match(known, '^(%S+) (%S+) (%d+)$')
  if known_body ~= body then return {'refused', 'key-reused', '0'} end
  if refusal ~= '-' then return {'refused', refusal, left} end
  return {'replayed'}
end

local function refuse(refusal, left)
  left = string.format('%d', left)
  redis.call('SET', KEYS[2], body .. ' ' .. refusal .. ' ' .. left, 'PX', ARGV[13])
  return {'refused', refusal, left}
end

if redis.call('XLEN', KEYS[3]) >= tonumber(ARGV[15]) then return {'busy'} end

local place = ARGV[5] .. '|' .. product
if not explicit then
  local open = redis.call('HGET', KEYS[5], place) or ''
  if open ~= group then return {'group', open} end
end

local facts = redis.call('HGET', KEYS[4], product)
if not facts then return refuse('not-on-sale', 0) end
local price, limit, on_sale = string.match(facts, '^(%d+) (%d+) (%d)$')
if on_sale ~= '1' then return refuse('not-on-sale', 0) end

local ends
local terms = group ~= '' and redis.call('GET', KEYS[6])
if terms then
  local group_place, group_price
  group_place, group_price, ends = string.match(terms, '^(%S+) (%d+) (%d+)$')
  if group_place == place and tonumber(ends) > now then price = group_price else terms = false end
end
if not terms then
  if explicit then return refuse('group-closed', 0) end
  group = ''
end

if ARGV[11] ~= '' and ARGV[11] ~= price then return refuse('price-changed', tonumber(price)) end
if terms and redis.call('HEXISTS', KEYS[7], guest) == 1 then return refuse('already-joined', 0) end

local bought = tonumber(redis.call('GET', KEYS[8]) or '0')
if bought + quantity > tonumber(limit) then
  return refuse('limit-reached', math.max(0, tonumber(limit) - bought))
end

local store, most = nil, 0
for candidate = 18, #ARGV do
  local free = tonumber(redis.call('HGET', KEYS[9], product .. '|' .. ARGV[candidate]) or '0')
  if free >= quantity then store = ARGV[candidate] break end
  if free > most then most = free end
end
if not store then return refuse('sold-out', most) end

local row = product .. '|' .. store
redis.call('HINCRBY', KEYS[9], row, -quantity)
redis.call('HINCRBY', KEYS[10], row, quantity)
if terms then
  redis.call('HSET', KEYS[7], guest, order)
  redis.call('PEXPIREAT', KEYS[7], string.format('%d', tonumber(ends) + tonumber(ARGV[16])))
end
if redis.call('INCRBY', KEYS[8], quantity) == quantity then
  redis.call('PEXPIRE', KEYS[8], ARGV[14])
end
local entry = redis.call('XADD', KEYS[3], '*', 'tap', table.concat({
  order, body, guest, ARGV[5], ARGV[6], product, ARGV[8], price, group, store, ARGV[1], ARGV[17]}, '|'))
redis.call('ZADD', KEYS[11], string.format('%d', now + tonumber(ARGV[12])), order)
redis.call('HSET', KEYS[12], order, table.concat({row, ARGV[8], group, guest, entry}, '|'))
redis.call('SET', KEYS[2], body .. ' - 0', 'PX', ARGV[13])
return {'admitted', store, price, group}
