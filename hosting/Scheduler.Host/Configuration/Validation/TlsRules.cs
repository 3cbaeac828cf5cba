namespace Scheduler.Host.Configuration;

/// <summary>Checks TLS of the NBD front end, and that it fits the identities of the guests; and of the admin address.</summary>
/// <param name="reader">Converts values and makes errors.</param>
internal sealed class TlsRules(SettingsReader reader)
{
    public TlsSettings? Check(string key, TlsEntry entry, IReadOnlyList<GuestSettings> guests)
    {
        bool required = reader.Flag(At("required"), entry.Required);
        bool hasCa = !string.IsNullOrEmpty(entry.ClientCa);
        GuestSettings? named = guests.FirstOrDefault(guest => guest.Certificates.Count > 0);
        if (named is not null && !hasCa)
            reader.Wrong(At("client-ca"), $"must be set: guest {named.Name} has certificates, and it says who issues them");
        if (string.IsNullOrEmpty(entry.Certificate))
        {
            string? other = !string.IsNullOrEmpty(entry.Key) ? "key" : hasCa ? "client-ca" : required ? "required" : null;
            if (other is not null)
                reader.Wrong(At(other), "needs certificate, the server's own, beside it");
            return null;
        }

        return new TlsSettings(
            reader.FilePath(At("certificate"), entry.Certificate),
            PrivateKey(key, entry.Key),
            hasCa ? reader.FilePath(At("client-ca"), entry.ClientCa) : null,
            required);

        string At(string member) => SettingsReader.Key(key, member);
    }

    public AdminTlsSettings? Check(string key, AdminTlsEntry entry)
    {
        if (!string.IsNullOrEmpty(entry.Certificate))
            return new AdminTlsSettings(reader.FilePath(SettingsReader.Key(key, "certificate"), entry.Certificate), PrivateKey(key, entry.Key));
        if (!string.IsNullOrEmpty(entry.Key))
            reader.Wrong(SettingsReader.Key(key, "key"), "needs certificate, the server's own, beside it");
        return null;
    }

    private string PrivateKey(string section, string? text) => string.IsNullOrEmpty(text)
        ? reader.Wrong(SettingsReader.Key(section, "certificate"), "needs key, its private key, beside it", "")
        : reader.FilePath(SettingsReader.Key(section, "key"), text);
}
