// Package layered places boxes in columns and draws the edges between them from left
// to right: the layered layout of Sugiyama, Tagawa and Toda (1981). It knows nothing
// of what the boxes mean.
//
// Lay takes the parts that no edge joins one by one, packs them in rows, and for each:
//
//  1. turns the edges that close a cycle around (acyclic.go);
//  2. gives each box a column, and each edge a lane in every column that it passes
//     (layers.go);
//  3. orders the columns so that few edges cross (order.go);
//  4. moves boxes and lanes up and down until edges are nearly straight (place.go);
//  5. breaks it into rows, as a text into lines, if it is too wide (fold.go).
//
// A lane has room of its own in its column, and between two columns stand edges only:
// so no edge runs over a box, and text inside boxes is never covered. Lay is
// deterministic: the same input gives the same picture. Its cost is about that of
// sorting for each of a fixed number of passes.
package layered
