-- jobcast_create.
local create = {} do

-- Where tokens have no `sub`, an idempotency key makes a job under one id, and in gateways of 0.1.0, which leave the issuer out,
-- under another (`former`). Those name no publisher, and ask for that id alone: `ns:keyed:<former>` leads them to what was made
-- since, by the request. So either finds what the other made, and one key makes one job.
local function made_under_other_id(ns, id, f)
  local other = f.former
  if not other then
    if f.publisher then return nil end
    local led = call('HMGET', ns .. ':keyed:' .. id, f.request or '', 'first')
    other = led[1] or led[2]
    if not other then return nil end
  end
  local job = record.load(ns, other)
  if not job or not job.made or entry.forbids(f, job) then return nil end
  -- Of whom a job under the former id is, nobody can tell, unless it was made since.
  if f.former and call('HGET', job.key, 'publisher') then return nil end
  return job
end

local function lead_to(ns, id, f, global)
  local key = ns .. ':keyed:' .. f.former
  for _, field in ipairs({f.request or '', 'first'}) do
    local had = call('HGET', key, field)
    if not had or not call('HGET', ns .. ':job:' .. had, 'made') then call('HSET', key, field, id) end
  end
  call('PEXPIRE', key, digits(global.abandoned + global.retention))
end

function create.create(ns, args)
  local id = entry.id(args, 'jobcast_create')
  local f = fields.read(args, 2, fields.CREATE)
  local at = clock.now()
  local global = policies.of_all(ns)
  local input = f.input and raw_json.checked('input', f.input, global.max_input)
  local notify = f.notify and raw_json.checked('notify', f.notify, 4096)
  local job = record.load(ns, id)
  local what = 'created'
  if entry.forbids(f, job) then return {'forbidden', 0, '', ''} end
  if f.keyed and not (job and job.made) then job = made_under_other_id(ns, id, f) or job end
  if job and job.made then
    local request = call('HGET', job.key, 'request')
    if not f.keyed then return entry.answer('conflict:exists', job) end
    return entry.answer(request == f.request and 'replayed' or 'conflict:request', job)
  end
  if f.publisher and not batches.admits(ns, job, f) then return {'forbidden', 0, '', ''} end
  local flags = {}
  local policy
  if job then
    what = 'adopted'
    local had = job.type
    flags.o = transitions.set_ownership(job, f) or nil
    job.made = '1'
    policy = policies.of_type(ns, job.type, global)
    if job.type ~= had then transitions.learn_type(job, f, policy) else job.retries = policies.offers_retry(policy, true) end
    flags.c = true
  else
    policy = policies.of_type(ns, f.type or 'default', global)
    job = transitions.fresh(ns, id, at, f.type or 'default', global, policy, true)
    transitions.set_ownership(job, f)
    flags.n, flags.s = true, true
  end
  transitions.set_group(job, f)
  for _, field in ipairs({'group_size', 'group_publishers'}) do
    if f[field] and not job.group then refuse(field, 'goes with group') end
  end
  if f.max_attempts then job.max = math.max(f.max_attempts, job.attempt) end
  if not transitions.set_labels(job, f.labels) then refuse('labels', 'at most 16 labels') end
  local private = {'request', f.request or ''}
  if input then private[#private + 1] = 'input' private[#private + 1] = input end
  if notify then private[#private + 1] = 'notify' private[#private + 1] = notify end
  if f.keyed and f.publisher then private[#private + 1] = 'publisher' private[#private + 1] = f.publisher end
  if f.former then private[#private + 1] = 'former' private[#private + 1] = f.former end
  -- Nothing is refused from here on, so nothing is written before.
  call('HSET', job.key, unpack(private))
  if f.former then lead_to(ns, id, f, global) end
  if job.status == 'pending' then
    if policy.dispatch then
      work.put(ns, job, at)
      keep.deadline(ns, job, at + policy.offered_start_timeout)
    elseif policy.start_timeout > 0 then
      keep.deadline(ns, job, at + policy.start_timeout)
    end
  elseif job.status == 'processing' and not job.stalled then
    -- With its type it may have learnt of a shorter lease.
    keep.deadline(ns, job, tonumber(job.locked) + tonumber(job.lease))
  end
  if f.mended then flags.mended = mending.told(f) end
  keep.save(ns, job, at, flags, f.by or 'publisher', what == 'adopted' and what or nil)
  if f.mended then mending.count(ns, f) end
  return entry.answer(what, job)
end

end
