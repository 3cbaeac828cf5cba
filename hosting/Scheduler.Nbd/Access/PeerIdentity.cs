namespace Scheduler.Nbd.Access;

/// <summary>What is known for certain of who is at the other end of a connection.</summary>
/// <param name="Certificate">The certificate that it has shown in TLS, valid and issued by a CA of clients; null if none.</param>
/// <param name="UserId">User at the other end of a Unix socket, as the kernel says; null on other sockets.</param>
public readonly record struct PeerIdentity(PeerCertificate? Certificate, uint? UserId)
{
    /// <summary>The Xen domain at the other end, as the toolstack names it; null if it is none.</summary>
    public PeerDomain? Domain { get; init; }
}

/// <summary>What names a Xen domain.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Uuid">Its UUID, in small letters.</param>
public sealed record PeerDomain(string Name, string Uuid);

/// <summary>What names the owner of a client certificate.</summary>
/// <param name="CommonName">The subject's common name; null unless there is exactly one.</param>
/// <param name="Sha256">SHA-256 of the certificate's DER form: 64 hexadecimal digits in small letters.</param>
/// <param name="Subject">The whole subject, for people: printable, at most 200 characters.</param>
public sealed record PeerCertificate(string? CommonName, string Sha256, string Subject);
