-- What every function does before and after its own work.
local entry = {} do

local function check_call(keys, what)
  if #keys ~= 1 then refuse('keys', 'one key, the namespace: FCALL ' .. what .. ' 1 jobcast ...') end
end

-- `FCALL jobcast_report 1 jobcast <id> field value ...`: KEYS[1] is the namespace.
function entry.wrap(what, body)
  local function run(keys, args)
    if not call then bind() end
    -- What a call held that was killed.
    batches.held = nil
    check_call(keys, what)
    return body(keys[1], args)
  end
  return function(keys, args)
    local ok, answer = pcall(run, keys, args)
    if ok then return answer end
    return redis.error_reply(raised(answer))
  end
end

function entry.id(args, what)
  local id = args[1]
  if not id then refuse('id', 'missing; FCALL ' .. what .. ' 1 jobcast <id> ...') end
  values.name('id', id, 128)
  if id == '.' or id == '..' then refuse('id', 'no URL reaches the ids . and ..') end
  if sub(id, 1, 6) == 'group:' then refuse('id', 'ids that begin with group: stand for batches, which follow their jobs') end
  return id
end

-- Whether a publisher who may only handle some types, or one tenant, is to be turned away from a job.
local function forbidden(f, type, tenant)
  if f.for_types and not find(',' .. f.for_types .. ',', ',' .. type .. ',', 1, true) then return true end
  return f.for_tenant ~= nil and f.for_tenant ~= (tenant or '')
end

function entry.forbids(f, job)
  if not f.for_types and not f.for_tenant then return false end
  if not job then return forbidden(f, f.type or 'default', f.tenant) end
  return forbidden(f, job.type, job.tenant) or forbidden(f, job.type == 'default' and f.type or job.type, job.tenant)
end

-- Whether whoever asks may see or command a job or a batch: one of their tenant, and either theirs or of their types. Reads little,
-- so that the job of another takes as long as none.
function entry.may(ns, id, f)
  if not f.for_tenant and not f.for_owner and not f.for_types then return true end
  local h = call('HMGET', ns .. ':job:' .. id, 'type', 'owner', 'tenant')
  if not h[1] or f.for_tenant and f.for_tenant ~= (h[3] or '') then return false end
  if not f.for_owner and not f.for_types then return true end
  return f.for_owner ~= nil and h[2] == f.for_owner or f.for_types ~= nil and find(',' .. f.for_types .. ',', ',' .. h[1] .. ',', 1, true) ~= nil
end

function entry.answer(what, job)
  return {what, job.v, FINAL[job.status] and 'f' or '', job.doc or call('HGET', job.key, 'doc')}
end

end
