-- jobcast_create.
local create = {} do

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
  if job and job.made then
    local request = call('HGET', job.key, 'request')
    if not f.keyed then return entry.answer('conflict:exists', job) end
    return entry.answer(request == f.request and 'replayed' or 'conflict:request', job)
  end
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
  if f.group_size and not job.group then refuse('group_size', 'goes with group') end
  if f.max_attempts then job.max = math.max(f.max_attempts, job.attempt) end
  if not transitions.set_labels(job, f.labels) then refuse('labels', 'at most 16 labels') end
  local private = {'request', f.request or ''}
  if input then private[#private + 1] = 'input' private[#private + 1] = input end
  if notify then private[#private + 1] = 'notify' private[#private + 1] = notify end
  -- Nothing is refused from here on, so nothing is written before.
  call('HSET', job.key, unpack(private))
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
  keep.save(ns, job, at, flags, f.by or 'publisher', what == 'adopted' and what or nil)
  return entry.answer(what, job)
end

end
