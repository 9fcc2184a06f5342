-- jobcast_policies: brings `[jobs]` of a gateway into Redis as one set. `ns:policies` has its `hash` and the names of its `types`.
-- The one last started or reloaded is in force, so that gateways with different `[jobs]` do not undo each other's.
local configuration = {} do

local function key_of(ns, type) return type == '' and ns .. ':policy' or ns .. ':policy:' .. type end

-- For each policy its type (empty: all types), how many strings it has, and these: field, value ...
local function policies_in(args)
  local types, sets, told = {}, {}, {}
  local i = 2
  while args[i] do
    local type = args[i] == '' and '' or values.name('type', args[i], 64)
    local count = values.integer('count', args[i + 1] or '', 0, 4000)
    if sets[type] then refuse('type', 'given twice') end
    if not args[i + 1 + count] or count % 2 == 1 then refuse('count', 'not that many strings follow') end
    types[#types + 1], sets[type] = type, {unpack(args, i + 2, i + 1 + count)}
    i = i + 2 + count
  end
  for n = 2, #args do told[n - 1] = #args[n] .. ':' .. args[n] end
  return types, sets, redis.sha1hex(table.concat(told))
end

local function write(ns, types, sets, had)
  for _, type in ipairs(types) do
    local key = key_of(ns, type)
    call('DEL', key)
    if #sets[type] > 0 then call('HSET', key, unpack(sets[type])) end
  end
  for type in gmatch(had or '', '%S+') do
    if not sets[type] then call('DEL', key_of(ns, type)) end
  end
end

-- Policies that gateways wrote before there was `ns:policies`. The keys are found by the gateway, which may take its time.
local function forget_strays(ns, args)
  local listed = {}
  for type in gmatch(call('HGET', ns .. ':policies', 'types') or '', '%S+') do listed[type] = true end
  local forgotten = 0
  for i = 2, #args do
    if not listed[args[i]] then forgotten = forgotten + call('DEL', key_of(ns, args[i])) end
  end
  call('HDEL', ns .. ':policies', 'strays')
  return {'ok', forgotten}
end

-- `take`: the gateway was started or reloaded. `renew`: it found Redis again, and writes only what is in force, or what nobody has
-- written. Returns whether it wrote, the hash of what it brought, the hash in force, and 1 if there may be strays.
function configuration.policies(ns, args)
  local how = values.one_of('how', args[1] or '', {'take', 'renew', 'forget'})
  if how == 'forget' then return forget_strays(ns, args) end
  local types, sets, hash = policies_in(args)
  local key = ns .. ':policies'
  local h = call('HMGET', key, 'hash', 'types', 'strays')
  if how == 'renew' and h[1] and h[1] ~= hash then return {'other', hash, h[1], 0} end
  write(ns, types, sets, h[2])
  call('HSET', key, 'hash', hash, 'types', table.concat(types, ' '), unpack(not h[1] and {'strays', '1'} or {}))
  return {'ok', hash, hash, (not h[1] or h[3]) and 1 or 0}
end

end
