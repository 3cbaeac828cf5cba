using System.Globalization;

namespace Scheduler.Nbd.Access;

/// <summary>
/// Which guest a client is. The rules, the first that applies:
/// <list type="number">
/// <item>No guest has an identity, and clients need none: every client sees all disks.</item>
/// <item>The client has shown a valid certificate: it is the guest that has the certificate's SHA-256, else the one that has
/// its common name, else nobody, whatever user it runs as.</item>
/// <item>It came over a Unix socket: it is the guest that has its user id, else nobody.</item>
/// <item>It is a Xen domain: it is the guest that has the domain's UUID, else the one that has its name, else nobody.</item>
/// <item>It is nobody, and sees nothing.</item>
/// </list>
/// </summary>
public sealed class GuestIdentities
{
    private readonly Dictionary<string, string> _guests;
    private readonly bool _isRequired;

    /// <summary>Takes the identities of all guests.</summary>
    /// <param name="guests">Guest by identity, the latter as <see cref="OfName"/>, <see cref="OfSha256"/> and
    /// <see cref="OfUser"/> write it.</param>
    /// <param name="isRequired">Whether clients need one also where no guest has one: then none of them sees a disk.</param>
    public GuestIdentities(IReadOnlyDictionary<string, string> guests, bool isRequired = false)
    {
        _guests = new(guests, StringComparer.Ordinal);
        _isRequired = isRequired;
    }

    /// <summary>The identity of certificates with a common name.</summary>
    /// <param name="commonName">The name; capital and small letters differ.</param>
    /// <returns>E.g. <c>CN=web1</c>.</returns>
    public static string OfName(string commonName) => $"CN={commonName}";

    /// <summary>The identity of one certificate.</summary>
    /// <param name="sha256">64 hexadecimal digits in small letters.</param>
    /// <returns>E.g. <c>sha256:0f...</c>.</returns>
    public static string OfSha256(string sha256) => $"sha256:{sha256}";

    /// <summary>The identity of a user of this machine.</summary>
    /// <param name="userId">The user's number.</param>
    /// <returns>E.g. <c>uid:1001</c>.</returns>
    public static string OfUser(uint userId) => string.Create(CultureInfo.InvariantCulture, $"uid:{userId}");

    /// <summary>The identity of a Xen domain.</summary>
    /// <param name="nameOrUuid">Its name, or its UUID in small letters.</param>
    /// <returns>E.g. <c>xen:web1</c>.</returns>
    public static string OfDomain(string nameOrUuid) => $"xen:{nameOrUuid}";

    /// <summary>What a client sees; a function of the identities and the client alone.</summary>
    /// <param name="peer">The client.</param>
    /// <returns>What it sees.</returns>
    public Sight SightOf(PeerIdentity peer)
    {
        if (_guests.Count == 0 && !_isRequired)
            return Sight.All;
        string? guest = null;
        if (peer.Certificate is { } certificate)
        {
            if (!_guests.TryGetValue(OfSha256(certificate.Sha256), out guest) && certificate.CommonName is { } name)
                _ = _guests.TryGetValue(OfName(name), out guest);
        }
        else if (peer.UserId is { } user)
        {
            _ = _guests.TryGetValue(OfUser(user), out guest);
        }
        else if (peer.Domain is { } domain && !_guests.TryGetValue(OfDomain(domain.Uuid), out guest))
        {
            _ = _guests.TryGetValue(OfDomain(domain.Name), out guest);
        }

        return guest is null ? Sight.None : Sight.Of(guest);
    }
}
