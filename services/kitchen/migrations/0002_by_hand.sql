-- Whether dishes are done only when a cook says so, as staff of the shop set it; null while they leave it to the platform.
alter table kitchen_floors add column by_hand boolean;
