// Package pgwire is the framing of PostgreSQL's frontend/backend protocol 3
// (PostgreSQL manual, chapter "Frontend/Backend Protocol").
//
// It owns three things:
//
//   - readers that cut a stream of bytes into frames (a frame is a whole
//     message, type byte and length included) without believing a length
//     before the bytes have arrived: Reader for clients, ServerReader for the
//     relay of a node's replies;
//   - decoders for the messages the proxy looks into. They point into the
//     frame, copy and allocate nothing, and return an error on anything that
//     is not exactly the message the manual describes; after an error the
//     decoded message holds nothing of use;
//   - Append functions that write messages. They trust their caller: strings
//     hold no NUL, and a message stays below 2 GiB.
//
// Everything else passes through as bytes. The package knows neither
// connections nor sessions; the startup packets, which have no type byte, are
// in protocol/pgstartup.
package pgwire
