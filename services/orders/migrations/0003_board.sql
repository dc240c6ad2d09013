-- The board tells which orders are open; how far each has come stands with the order alone. Kept on the board too, with an
-- index, it cost an order three writes at each of its four steps.
drop index orders_board_state;
alter table orders_board drop column state;
create index orders_board_shop on orders_board (shop_id, order_id);
