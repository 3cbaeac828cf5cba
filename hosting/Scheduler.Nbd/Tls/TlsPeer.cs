using Scheduler.Nbd.Access;

namespace Scheduler.Nbd.Tls;

/// <summary>Who is at the other end of TLS.</summary>
/// <param name="Remote">Its address, for the log.</param>
/// <param name="Certificate">Its certificate; null if it need not show one, or is refused.</param>
/// <param name="Refusal">Why it is refused, in words for people, printable; null: it is not.</param>
internal sealed record TlsPeer(string Remote, PeerCertificate? Certificate, string? Refusal);
