//! How a provider's answer goes over the wire: piece by piece, with its pauses, and stopped where it is to stop.

use super::*;
use crate::answer::{Answer, Stop, To};

/// Bytes of a piece that come one at a time, where they do.
const TRICKLE: usize = 40;

impl Serving {
    /// Whether the connection is kept.
    pub(super) async fn answer(&mut self, received: Received) -> bool {
        let nature = lock(&self.providers.book).exchanges[received.exchange].nature;
        if nature == Nature::Silent {
            self.wait_until_gone().await;
            return false;
        }
        let to = To {
            exchange: received.exchange,
            dialect: self.dialect(),
            question: &received.question,
            counts: Dialect::counts_at(&received.path),
            bad: received.bad,
            credential: &received.credential,
            clock_ms: (self.providers.wall)(),
        };
        let answer = Answer::any(nature, to, &mut self.random);
        {
            let mut book = lock(&self.providers.book);
            let exchange = &mut book.exchanges[received.exchange];
            exchange.status = answer.status;
            exchange.frames.clone_from(&answer.frames);
            (exchange.said, exchange.trouble) = (answer.said.clone(), answer.trouble);
        }
        pause(self.random.millis(5..1500)).await;
        let written = self.write(received.exchange, &answer).await;
        self.note(received.exchange, &answer, &written);
        written.is_ok() && self.stop(received.exchange, &answer).await
    }

    fn note(&self, number: usize, answer: &Answer, written: &io::Result<bool>) {
        let mut book = lock(&self.providers.book);
        let stamp = book.clock.stamp();
        let exchange = &mut book.exchanges[number];
        exchange.whole = matches!(written, Ok(true)) && answer.is_whole();
        exchange.in_order = matches!(written, Ok(true)) && answer.ends_in_order();
        exchange.over = Some(stamp);
        let how = match written {
            Ok(_) => format!("{:?}", answer.stop),
            Err(error) => format!("not taken: {error}"),
        };
        let sent = Book::hash(&exchange.payload());
        book.say(&format!("exchange {number} is answered {} {sent:016x}, {how}", answer.status));
    }

    /// Whether every byte was written that is there to be sent.
    async fn write(&mut self, number: usize, answer: &Answer) -> io::Result<bool> {
        let mut left = answer.most.unwrap_or(u64::MAX);
        self.put(&answer.head(), answer, &mut left).await?;
        for frame in &answer.frames[..answer.sent] {
            let (least, most) = answer.pauses;
            let wait = self.random.millis(least..most + 1);
            if !wait.is_zero() {
                pause(wait).await;
            }
            let framed = answer.framed(frame);
            let room = left.saturating_add(answer.tail());
            self.put(&framed, answer, &mut left).await?;
            if room >= framed.len() as u64 {
                self.wrote(number);
            }
        }
        if answer.sent == answer.frames.len() {
            let mut book = lock(&self.providers.book);
            book.exchanges[number].told = Some(book.clock.stamp());
        }
        if answer.stop == Stop::InOrder
            && let Some(end) = answer.end()
        {
            self.put(&end, answer, &mut left).await?;
        }
        Ok(left > 0)
    }

    /// A frame was written to its end.
    fn wrote(&self, number: usize) {
        let mut book = lock(&self.providers.book);
        let stamp = book.clock.stamp();
        book.exchanges[number].written.push(stamp);
    }

    async fn put(&mut self, bytes: &[u8], answer: &Answer, left: &mut u64) -> io::Result<()> {
        let size = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
        *left -= size as u64;
        let slowly = if answer.trickles { size.min(TRICKLE) } else { 0 };
        for byte in &bytes[..slowly] {
            pause(self.random.millis(1..30)).await;
            self.end.write_all(&[*byte]).await?;
        }
        self.end.write_all(&bytes[slowly..size]).await
    }

    /// What comes after what was sent. Whether the connection is kept.
    async fn stop(&mut self, number: usize, answer: &Answer) -> bool {
        match answer.stop {
            Stop::InOrder => answer.is_kept(),
            Stop::Close => false,
            Stop::Reset => {
                self.end.reset();
                false
            }
            Stop::Silence => {
                self.wait_until_gone().await;
                false
            }
            Stop::Pings => {
                let ping = self.dialect().ping();
                let framed = answer.framed(&ping);
                lock(&self.providers.book).exchanges[number].frames.truncate(answer.sent);
                while self.end.write_all(&framed).await.is_ok() {
                    lock(&self.providers.book).exchanges[number].frames.push(ping.clone());
                    self.wrote(number);
                    pause(Duration::from_secs(5)).await;
                }
                false
            }
        }
    }
}
