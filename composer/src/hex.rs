//! Serialises bytes as hexadecimal text.

use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

/// Writes bytes.
pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// Reads them back.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(reader: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(reader)?;
    let digits = text.as_bytes().chunks(2);
    let byte = |pair: &[u8]| {
        let pair = str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
        // A sign is no digit.
        pair.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(())?;
        u8::from_str_radix(pair, 16).ok()
    };
    digits.map(byte).collect::<Option<_>>().ok_or_else(|| D::Error::custom("not hexadecimal"))
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct HexBytes(#[serde(with = "super")] Vec<u8>);

    #[test]
    fn bytes_are_read_back_and_nothing_else_is() {
        let text = HexBytes(vec![0, 0x7f, 0xff]);
        assert_eq!(serde_json::to_string(&text).expect("text"), r#""007fff""#);
        assert_eq!(serde_json::from_str::<HexBytes>(r#""007FfF""#).expect("bytes"), text);
        for wrong in [r#""0""#, r#""0g""#, r#""+1""#, r#""éé""#, "7"] {
            assert!(serde_json::from_str::<HexBytes>(wrong).is_err(), "{wrong}");
        }
    }
}
