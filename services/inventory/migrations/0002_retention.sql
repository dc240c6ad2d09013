-- The opening balance of the ledger: what movements that were dropped long ago had come to, by thing. What orders took
-- and gave back is not in it, because it came to nothing.
create table inventory_openings (
  id bigint primary key,
  shop_id bigint not null,
  received bigint not null,
  corrected bigint not null,
  wasted bigint not null,
  consumed bigint not null
);
