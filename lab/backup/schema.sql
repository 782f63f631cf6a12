-- The part of an engine's database that backups, rehearsals and the lab's own checks look at: real names, own bodies.
create extension if not exists "uuid-ossp";
create table schema_version (id serial primary key, version varchar(10) not null, script varchar(255) not null,
  checksum varchar(128), installed_by varchar(63), started_at timestamp default now(), ended_at timestamp,
  state varchar(15) not null, current boolean not null, comment text default '');
create table vdc_options (option_id serial primary key, option_name varchar(100) not null, option_value text,
  version varchar(40) not null default 'general', default_value text);
create table cluster (cluster_id uuid primary key, name varchar(40), compatibility_version varchar(40) default '4.7');
create table storage_pool (id uuid primary key, name varchar(40), compatibility_version varchar(40) default '4.7');
create table vds_static (vds_id uuid primary key, vds_name varchar(255) not null, vds_unique_id varchar(128),
  host_name varchar(255), port int default 54321, cluster_id uuid references cluster, sshkeyfingerprint varchar(128),
  ssh_port int default 22, ssh_username varchar(255) default 'root', _create_date timestamptz default now());
create table vds_dynamic (vds_id uuid primary key references vds_static, status int not null,
  external_status int default 0);
create table vm_static (vm_guid uuid primary key, vm_name varchar(255) not null, mem_size_mb int not null,
  num_of_sockets int default 1, cpu_per_socket int default 1, cluster_id uuid references cluster,
  origin int default 3, auto_startup boolean default false, lease_sd_id uuid, entity_type varchar(32) default 'VM',
  description varchar(4000), _create_date timestamptz default now());
create table vm_dynamic (vm_guid uuid primary key references vm_static, status int not null, run_on_vds uuid,
  exit_status int default 0);
create table storage_domain_static (id uuid primary key, storage varchar(250) not null, storage_name varchar(250),
  storage_domain_type int not null, storage_type int not null, storage_domain_format_type varchar(50) default '5');
create table storage_domain_dynamic (id uuid primary key references storage_domain_static, available_disk_size bigint,
  used_disk_size bigint);
create view storage_domains as select s.*, d.available_disk_size, d.used_disk_size
  from storage_domain_static s left join storage_domain_dynamic d using (id);
create table base_disks (disk_id uuid primary key, wipe_after_delete boolean default false, shareable boolean,
  disk_alias varchar(255), disk_storage_type int default 0, propagate_errors varchar(32) default 'Off');
create table images (image_guid uuid primary key, image_group_id uuid references base_disks, size bigint not null,
  active boolean default true, imagestatus int default 1, volume_type int default 2, creation_date timestamptz default now());
create table image_storage_domain_map (image_id uuid references images, storage_domain_id uuid, primary key (image_id, storage_domain_id));
create table luns (lun_id varchar(255) primary key, physical_volume_id varchar(50), volume_group_id varchar(50) not null,
  serial varchar(255), lun_mapping int, vendor_id varchar(50), product_id varchar(50), device_size int default 0);
create table disk_lun_map (disk_id uuid references base_disks, lun_id varchar references luns, primary key (disk_id, lun_id));
create table vm_device (device_id uuid, vm_id uuid references vm_static, type varchar(30), device varchar(30),
  is_plugged boolean, primary key (device_id, vm_id));
create table audit_log (audit_log_id bigserial primary key, log_time timestamptz not null default now(),
  log_type_name varchar(100) default '', log_type int not null, severity int not null, message text not null,
  origin varchar(255) default 'oVirt', custom_event_id int default -1, deleted boolean default false, correlation_id varchar(50));
create table engine_backup_log (scope varchar(64) not null, done_at timestamptz not null, is_passed boolean not null,
  output_message text, fqdn varchar(255), log_path text, primary key (scope, done_at));
create table async_tasks (task_id uuid primary key, action_type int);
create table job (job_id uuid primary key, action_type varchar(50), status varchar(32));
create table step (step_id uuid primary key, job_id uuid references job, description text);

create function DeleteBackupRelatedAlerts() returns void language sql as
  'update audit_log set deleted = true where log_type in (9022, 9023, 9026)';

-- facts/engine-backup.md 2, database side. The lab's engine hears of it by the notification.
create function LogEngineBackupEvent(v_scope varchar, v_done_at timestamptz, v_status int, v_output_message text,
  v_fqdn varchar, v_log_path text) returns void language plpgsql as $body$
declare
  code int := case v_status when 0 then 9024 when 1 then 9025 else 9026 end;
begin
  if v_status <> 0 then
    insert into engine_backup_log values (v_scope, v_done_at, v_status = 1, v_output_message, v_fqdn, v_log_path);
  end if;
  if v_status = 1 then
    perform DeleteBackupRelatedAlerts();
  end if;
  insert into audit_log (log_type_name, log_type, severity, message) values
    (case v_status when 0 then 'ENGINE_BACKUP_STARTED' when 1 then 'ENGINE_BACKUP_COMPLETED' else 'ENGINE_BACKUP_FAILED' end,
     code, case v_status when -1 then 2 else 0 end, v_output_message);
  perform pg_notify('engine_backup', json_build_array(code, v_output_message)::text);
end $body$;

insert into schema_version (version, script, installed_by, ended_at, state, current) values
  ('04050010', 'upgrade/04_05_0010_add_managed_block.sql', 'engine', now(), 'INSTALLED', false),
  ('04050300', 'upgrade/04_05_0300_set_version.sql', 'engine', now(), 'INSTALLED', true);
insert into vdc_options (option_name, option_value, default_value)
  select 'LabOption' || n, md5(n::text), md5(n::text) from generate_series(1, 733) n;
insert into audit_log (log_time, log_type, severity, message)
  select now() - (6000 - n) * interval '1 minute', 30, 0,
    'User admin@ovirt-authz connecting from ''10.20.0.' || n % 250 || ''' using session '''
    || encode(sha256(n::text::bytea), 'base64') || encode(sha256((n * 7)::text::bytea), 'base64') || ''' logged in.'
  from generate_series(1, 6000) n;
