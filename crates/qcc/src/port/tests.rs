//! The kernel's tables, as text and as they are now.

use std::net::TcpListener;

use super::*;

const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1EB4 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 11111 1 0000000000000000 100 0 0 10 0
   1: 0100007F:1EB4 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 22222 1 0000000000000000 20 4 30 10 -1
   2: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 33333 1 0000000000000000 100 0 0 10 0
";

const TABLE6: &str = "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000001000000:1EB4 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 44444 1 0000000000000000 100 0 0 10 0
";

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[test]
#[cfg(target_endian = "little")]
fn only_listening_sockets_of_that_address_count() {
    assert_eq!(listeners(TABLE, at("127.0.0.1:7860")), ["11111"]);
    assert!(listeners(TABLE, at("192.0.2.1:7860")).is_empty());
    assert_eq!(listeners(TABLE6, at("[::1]:7860")), ["44444"]);
    assert!(listeners(TABLE, at("127.0.0.1:7861")).is_empty());
}

#[test]
#[cfg(target_endian = "little")]
fn every_address_overlaps_each() {
    assert_eq!(listeners(TABLE, at("127.0.0.1:8080")), ["33333"]);
    assert_eq!(listeners(TABLE, at("0.0.0.0:7860")), ["11111"]);
}

#[test]
fn a_table_of_another_shape_names_nobody() {
    assert!(listeners("what: ever\n1 2\nzz: :: 0A\n", at("127.0.0.1:1")).is_empty());
}

#[test]
#[cfg(target_os = "linux")]
fn this_very_process_is_found_by_its_port() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let found = holder(listener.local_addr().unwrap()).unwrap();
    assert_eq!(found.pid, std::process::id());
    assert!(!found.command.is_empty());
}
