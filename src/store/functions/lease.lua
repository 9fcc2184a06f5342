-- jobcast_lease: which gateway runs a background service.
local lease = {} do

function lease.take(ns, args)
  local key = ns .. ':lease:' .. values.name('name', args[1] or '', 64)
  local holder = values.name('holder', args[2] or '', 128)
  local ttl = values.integer('ttl_ms', args[3] or '', 0, 3600000)
  local has = call('GET', key)
  if has and has ~= holder then return 0 end
  if ttl == 0 then
    call('DEL', key)
    return 0
  end
  call('SET', key, holder, 'PX', tostring(ttl))
  return 1
end

end
