-- Carries what one household has bought and joined over to the one that it becomes part of.
--
-- KEYS  1 epoch, then two per product: bought:{from}:{product}  bought:{into}:{product}
--       then seats:{group} of each group that either may have joined
-- ARGV  1 from  2 into  3 number of products
-- Gives 1, or 0 when the gate is being rebuilt, which reads all this from the record.

if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local products = tonumber(ARGV[3])
for index = 1, products do
  local from, into = KEYS[index * 2], KEYS[index * 2 + 1]
  local units, left_ms = redis.call('GET', from), redis.call('PTTL', from)
  if units and left_ms > 0 then
    local known_ms = redis.call('PTTL', into)
    redis.call('INCRBY', into, units)
    redis.call('PEXPIRE', into, string.format('%d', math.max(left_ms, known_ms)))
    redis.call('DEL', from)
  end
end
for index = products * 2 + 2, #KEYS do
  local order_id = redis.call('HGET', KEYS[index], ARGV[1])
  if order_id and redis.call('HSETNX', KEYS[index], ARGV[2], order_id) == 1 then
    redis.call('HDEL', KEYS[index], ARGV[1])
  end
end
return 1
